"""Fine-tune the shipped model on molecules of your own, with a measured column."""

import argparse
import tempfile

import pandas as pd

import nucleate


def own_data() -> pd.DataFrame:
    """Stands for your own table: phenols with chains, and a made-up measurement."""
    chains = ["C" * n for n in range(1, 9)]
    cores = ["c1ccc({})cc1O", "c1cc({})ccc1N", "c1ccc({})nc1", "c1cc({})ccc1F"]
    smiles = [core.format(chain) for core in cores for chain in chains]
    return pd.DataFrame({"smiles": smiles, "activity": [len(s) / 3 for s in smiles]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2, help="passes over your set")
    epochs = parser.parse_args().epochs

    with tempfile.TemporaryDirectory() as folder:
        model = nucleate.finetune(
            own_data(),
            folder,
            model="molecules",
            properties=["activity"],
            epochs=epochs,
            base_set=50,
            samples=50,
            prior_steps=100,
            processes=1,
        )
        figures = model.info["figures"]
        table = nucleate.sample(model, 10, seed=0)
    print(table[["smiles", "heavy_atoms"]].head().to_string(index=False))
    before, after = figures["before"], figures["after"]
    print(
        f"\nHeld-out molecules of your set rebuilt exactly: {before['held_out_exact']:.0%} before, "
        f"{after['held_out_exact']:.0%} after; {len(table)} new ones like them drawn."
    )


if __name__ == "__main__":
    main()
