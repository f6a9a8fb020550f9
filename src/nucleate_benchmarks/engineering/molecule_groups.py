"""How often each group of unstable and reactive molecules, and of reagents, strikes real molecules.

    python -m nucleate_benchmarks.engineering.molecule_groups zinc250k/validation FILE.csv.gz

takes random molecules of each source through the patterns of `nucleate.molecules.alerts.unstable`
and writes the share that each group strikes, with one of its hits to be judged by eye.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucleate.molecules.alerts.unstable import reagents, unstable
from nucleate.molecules.chemistry.chem import molecule
from nucleate.molecules.chemistry.smarts import Patterns
from nucleate_benchmarks.common.figures import Figure, Section, surroundings, write
from nucleate_benchmarks.molecules.data import load


def struck(smiles: Sequence[str], patterns: Patterns) -> dict[str, list[str]]:
    """The molecules that each group is found in, the most frequent first."""
    hits: dict[str, list[str]] = defaultdict(list)
    for text in smiles:
        for group in patterns.matches(molecule(text)):
            hits[group.name].append(text)
    return dict(sorted(hits.items(), key=lambda item: -len(item[1])))


def section(title: str, smiles: Sequence[str], patterns: Patterns) -> Section:
    """Share of molecules with any group, then with each."""
    hits = struck(smiles, patterns)
    n = len(smiles)
    any_group = len({text for found in hits.values() for text in found})
    return Section(
        title,
        [
            Figure("any", any_group / n, n),
            *(Figure(k, len(v) / n, n, note=f"`{v[0]}`") for k, v in hits.items()),
        ],
        "The last column shows a hit.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sources", nargs="+", help="files, or NAME/PART of the catalogue")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mirror", help="folder of dataset files")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/screening/groups"))
    given = parser.parse_args(arguments)
    sections = []
    for source in given.sources:
        smiles = load(source, "test", given.mirror).smiles
        order = np.random.default_rng(given.seed).permutation(len(smiles))[: given.count]
        chosen = [smiles[place] for place in order]
        title = Path(source).name if Path(source).exists() else source
        sections += [
            section(f"{title}: check `stability`", chosen, unstable()),
            section(f"{title}: reagents, check `druglike`", chosen, reagents()),
        ]
    command = " ".join(
        [
            "python -m nucleate_benchmarks.engineering.molecule_groups",
            *(Path(a).name if Path(a).exists() else a for a in arguments or sys.argv[1:]),
        ]
    )
    head = surroundings(command) | {"seed": given.seed}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for path in write(given.out, "Groups that strike real molecules", head, sections, {}):
        print(path)


if __name__ == "__main__":
    main()
