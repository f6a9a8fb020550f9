"""Put molecules through the funnel of checks, and see why some fall."""

import argparse

import nucleate

IDEAS = {
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "ibuprofen": "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "an acyl chloride": "O=C(Cl)c1ccccc1",
    "methane": "C",
    "no molecule": "this is none",
}
CHECKS = ["parses", "size", "alerts", "novel"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawn", type=int, default=20, help="sampled molecules to add")
    drawn = nucleate.sample("molecules", parser.parse_args().drawn, seed=2)

    ideas = [*IDEAS.values(), *drawn["smiles"]]
    table = nucleate.screen(ideas, objectives="qed", checks=[{"name": name} for name in CHECKS])
    passed, fallen = table[table["passed"]], table[~table["passed"]]
    print(passed[["smiles", "qed"]].head().to_string(index=False))
    print("\nRejected:")
    for row in fallen.itertuples():
        print(f"  {row.smiles}: {row.rejected_by}: {row.reason}")
    counts = ", ".join(
        f"{n} by {check}" for check, n in fallen["rejected_by"].value_counts().items()
    )
    print(f"\n{len(passed)} of {len(table)} molecules passed; rejected: {counts}.")


if __name__ == "__main__":
    main()
