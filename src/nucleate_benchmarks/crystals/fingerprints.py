"""Fingerprints by which CDVAE's coverage compares crystals (Xie et al. 2022, section 5).

Structure: CrystalNN's coordination numbers and order parameters (Zimmermann & Jain 2020,
doi:10.1039/C9RA07755C), averaged over the atoms; matminer's preset `ops`. Composition: statistics
of Magpie's element properties (Ward et al. 2016, doi:10.1038/npjcompumats.2016.28); matminer's
preset `magpie`. matminer itself needs an older pandas than ours, so both are written here on top of
pymatgen and of the table that SMACT carries; tests hold matminer's own numbers.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.crystals.geometry.describe import composition
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

ORDER_PARAMETERS: dict[int, tuple[str, ...]] = {
    1: ("sgl_bd",),
    2: ("L-shaped", "water-like", "bent 120 degrees", "bent 150 degrees", "linear"),
    3: ("trigonal planar", "trigonal non-coplanar", "T-shaped"),
    4: (
        "square co-planar",
        "tetrahedral",
        "rectangular see-saw-like",
        "see-saw-like",
        "trigonal pyramidal",
    ),
    5: ("pentagonal planar", "square pyramidal", "trigonal bipyramidal"),
    6: ("hexagonal planar", "octahedral", "pentagonal pyramidal"),
    7: ("hexagonal pyramidal", "pentagonal bipyramidal"),
    8: ("body-centered cubic", "hexagonal bipyramidal"),
    9: ("q2", "q4", "q6"),
    10: ("q2", "q4", "q6"),
    11: ("q2", "q4", "q6"),
    12: ("cuboctahedral", "q2", "q4", "q6"),
}
"""Motifs by coordination number, in the order of the preset `ops`."""
BOND_ORDERS = ("q2", "q4", "q6")
LARGEST_COORDINATION = 24
STRUCTURE_SIZE = LARGEST_COORDINATION + sum(len(names) for names in ORDER_PARAMETERS.values())
ELEMENT_PROPERTIES = 22
COMPOSITION_SIZE = 6 * ELEMENT_PROPERTIES
SCALE_FILE = Path(__file__).with_name("composition_scale.json")


@cache
def _tools() -> tuple[Any, dict[int, list[Any]]]:
    """CrystalNN, and the order parameters of each coordination number."""
    from pymatgen.core.local_env import CN_OPT_PARAMS, CrystalNN, LocalStructOrderParams

    found: dict[int, list[Any]] = {}
    for number, names in ORDER_PARAMETERS.items():
        known = CN_OPT_PARAMS.get(number, {})
        # pymatgen mixes up motifs that are computed together; bond orders (q) it does not.
        groups = [[name] for name in names if name not in BOND_ORDERS]
        groups += [list(BOND_ORDERS)] if set(BOND_ORDERS) <= set(names) else []
        found[number] = []
        for group in groups:
            entries = [known.get(name, [name]) for name in group]
            parameters = [entry[1] if len(entry) > 1 else None for entry in entries]
            kinds = [entry[0] for entry in entries]
            found[number].append(LocalStructOrderParams(kinds, parameters=parameters))
    return CrystalNN(), found


def structure_fingerprint(crystal: str) -> NDArray[np.float64] | None:
    """CrystalNN fingerprint of a Wyckoff string, mean over atoms, [STRUCTURE_SIZE].

    Equivalent atoms have equal fingerprints: one of each site is computed. None where CrystalNN
    fails, which CDVAE counts as invalid.
    """
    try:
        gene = from_string(crystal)
        structure = structure_from_wyckoff(gene)
        sizes = [gene.group.position(s.letter).primitive_multiplicity for s in gene.sites]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = [_site_fingerprint(structure, int(start)) for start in starts]
    except (NucleateError, ValueError, RuntimeError, ArithmeticError, IndexError, KeyError):
        return None
    except Exception as error:  # qhull and pymatgen raise bare exceptions on odd cells
        if isinstance(error, MemoryError):
            raise
        return None
    return np.average(rows, axis=0, weights=sizes)


def _site_fingerprint(structure: Any, place: int) -> list[float]:
    finder, order_parameters = _tools()
    data = finder.get_nn_data(structure, place)
    row: list[float] = []
    for number in range(1, LARGEST_COORDINATION + 1):
        weight = float(data.cn_weights.get(number, 0))
        row.append(weight)
        names = ORDER_PARAMETERS.get(number, ())
        if weight == 0 or not names:
            row += [0.0] * len(names)
            continue
        sites = [structure[place], *(item["site"] for item in data.cn_nninfo[number])]
        neighbours = list(range(1, len(sites)))
        for parameter in order_parameters[number]:
            values = parameter.get_order_parameters(sites, 0, indices_neighs=neighbours)
            row += [weight * float(value or 0.0) for value in values]
    return row


@cache
def _element_table() -> dict[str, NDArray[np.float64]]:
    """Magpie's properties of each element, [ELEMENT_PROPERTIES]."""
    import smact

    file = Path(smact.__file__).parent / "data" / "magpie.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row.pop("element"): np.array([float(value) for value in row.values()], np.float64)
        for row in (dict(row) for row in rows)
    }


def composition_fingerprint(amounts: Mapping[str, float]) -> NDArray[np.float64] | None:
    """Magpie fingerprint of a composition, [COMPOSITION_SIZE]; None for unknown elements.

    Of each property: minimum, maximum, range, mean, mean absolute deviation, and the value of the
    most frequent element (the least one of a tie).
    """
    table = _element_table()
    if not amounts or any(symbol not in table for symbol in amounts):
        return None
    values = np.array([table[symbol] for symbol in amounts])  # k x 22
    weights = np.array(list(amounts.values()), np.float64)
    weights = weights / weights.sum()
    mean = weights @ values
    frequent = values[np.isclose(weights, weights.max())]
    columns = [
        values.min(0),
        values.max(0),
        np.ptp(values, axis=0),
        mean,
        weights @ np.abs(values - mean),
        frequent.min(0),
    ]
    return np.stack(columns, axis=1).ravel()


@cache
def composition_scale() -> NDArray[np.float64]:
    """Standard deviations of composition fingerprints over Materials Project crystals.

    CDVAE's own constants are those of MP-20's training set; these (12,329 crystals of MPTS-52 and
    of MP-20's validation set) agree with them to some 5 % in each, 1 % on average. Distances need
    no means.
    """
    data = json.loads(SCALE_FILE.read_text(encoding="utf-8"))
    return np.array(data["standard_deviations"], np.float64)


def structure_rows(crystals: list[str]) -> list[list[float] | None]:
    """`structure_fingerprint` of a chunk as plain values, for worker processes."""
    found = [structure_fingerprint(crystal) for crystal in crystals]
    return [None if row is None else np.round(row, 6).tolist() for row in found]


def scaled_composition(crystal: str) -> NDArray[np.float64] | None:
    """Standardised composition fingerprint of a Wyckoff string (without the means)."""
    try:
        row = composition_fingerprint(composition(crystal))
    except NucleateError:
        return None
    return None if row is None else row / composition_scale()


def write_scale(crystals: Sequence[str], source: str) -> None:
    """Measure `composition_scale` anew."""
    from nucleate.core.files import write_json

    rows = [composition_fingerprint(composition(crystal)) for crystal in crystals]
    spread = np.std([row for row in rows if row is not None], axis=0)
    values = [float(f"{value:.5g}") for value in spread]
    write_json(SCALE_FILE, {"source": source, "standard_deviations": values})


if __name__ == "__main__":  # python -m nucleate_benchmarks.crystals.fingerprints FEATURES SOURCE
    from nucleate_benchmarks.crystals.data import load

    data = load(sys.argv[1])
    write_scale([c for part in data.parts for c in part.crystals], sys.argv[2])
