"""Element references that take CHGNet's energies to formation energies of the Materials Project.

    python -m nucleate_benchmarks.crystals.stability.references FEATURES [--count 1500] [--kept \\
        FILE]

fits them to training crystals of a featurized set and writes the file that the screening reads,
`nucleate/crystals/references.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from nucleate.core.files import write_json
from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.energy.chgnet import REFERENCES_PATH
from nucleate_benchmarks.common.figures import surroundings
from nucleate_benchmarks.crystals.stability.energies import References, chgnet_energies, choose

COLUMN = "formation_energy_per_atom"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("features", type=Path, help="folder of a featurized set")
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept", type=Path, help="CHGNet energies that are kept")
    parser.add_argument("--out", type=Path, default=REFERENCES_PATH)
    given = parser.parse_args(arguments)
    columns = ["structure", "split", "source", COLUMN]
    rows = pq.read_table(given.features / "records.parquet", columns=columns).to_pylist()
    rows = [r for r in rows if r["split"] == "train" and np.isfinite(r[COLUMN])]
    places = choose([r["structure"] for r in rows], given.count, given.seed).tolist()
    crystals = [rows[i]["structure"] for i in places]
    labels = np.array([rows[i][COLUMN] for i in places])
    found = References.fit(crystals, chgnet_energies(crystals, given.kept) - labels)
    values = {s: round(float(found.values[NUMBERS[s]]), 5) for s in SYMBOLS}
    command = " ".join(
        ["python -m nucleate_benchmarks.crystals.stability.references", *sys.argv[1:]]
    )
    head = surroundings(command if arguments is None else "")
    summary = {
        "name": "Materials Project (formation energies of MP-20 and MPTS-52 entries)",
        "crystals": found.crystals,
        "median_error": round(found.median_error, 4),
        "mean_error": round(found.mean_error, 4),
        "sources": sorted({rows[i]["source"] for i in places}),
        "command": head["command"],
        "date": head["date"],
        "energies": {s: value for s, value in values.items() if np.isfinite(value)},
    }
    write_json(given.out, summary)
    print(found.summary())


if __name__ == "__main__":
    main()
