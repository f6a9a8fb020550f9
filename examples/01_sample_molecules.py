"""Sample new molecules: anywhere, and near one that you have."""

import argparse

import nucleate

LEAD = "CC(=O)Nc1ccc(O)cc1"  # paracetamol


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="molecules to draw")
    count = parser.parse_args().count

    anywhere = nucleate.sample("molecules", count, seed=1).with_properties("qed", "logp")
    print(anywhere[["smiles", "formula", "qed", "logp"]].head().to_string(index=False))

    near = nucleate.sample("molecules", count, seed=1, like=LEAD, similarity="0.4..0.8")
    molecules = near.to_objects("rdkit")
    print(f"\nThe first like paracetamol: {near['smiles'].iloc[0]}")
    print(
        f"{len(anywhere)} new molecules, and {len(near)} with a similarity to paracetamol of "
        f"{near['similarity'].min():.2f} to {near['similarity'].max():.2f}, as RDKit molecules of "
        f"{min(m.GetNumHeavyAtoms() for m in molecules)} to "
        f"{max(m.GetNumHeavyAtoms() for m in molecules)} heavy atoms."
    )


if __name__ == "__main__":
    main()
