"""Search for molecules by a function of your own beside a built-in property."""

import argparse

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

import nucleate


def rigidity(smiles: list[str]) -> list[float]:
    """Share of bonds that do not rotate."""
    values = []
    for text in smiles:
        molecule = Chem.MolFromSmiles(text)
        rotatable = rdMolDescriptors.CalcNumRotatableBonds(molecule)
        values.append(1 - rotatable / max(1, molecule.GetNumBonds()))
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60, help="molecules to score")
    trials = parser.parse_args().trials

    best = nucleate.optimize(
        "molecules", ["qed", rigidity], constraints="logp<=3", trials=trials, reference=32
    )
    shown = best[["smiles", "qed", "rigidity", "logp", "feasible", "score"]].head()
    print(shown.to_string(index=False, float_format="{:.2f}".format))
    first = best.iloc[0]
    print(
        f"\nOf {len(best)} new molecules the best has QED {first['qed']:.2f}, rigidity "
        f"{first['rigidity']:.2f} and logP {first['logp']:.1f}: {first['smiles']}"
    )


if __name__ == "__main__":
    main()
