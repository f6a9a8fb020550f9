"""The data card that lies beside the crystal set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from nucleate.crystals.wyckoff.wyckoff_string import from_string

_HEAD = """# Prototypes: the embedded crystal set

`prototypes.parquet` holds {rows:,} distinct crystals that the project made itself, for training
without a network and as the reference set of hulls and novelty. None was taken from a database of
computed crystals, and none is claimed to exist: they are AFLOW prototypes with other elements,
relaxed with a machine-learnt potential.

| column | meaning |
|---|---|
| `id` | `proto-` and the crystal's place in the plan; stable for one seed, count and version |
| `crystal` | canonical Wyckoff string (`crystals.wyckoff.wyckoff_string`), relaxed geometry |
| `formula`, `space_group` | reduced formula; number of the relaxed crystal's group |
| `prototype` | AFLOW label of the prototype it was made from (it may have gained symmetry since) |
| `energy_per_atom` | CHGNet, eV/atom |
| `energy_above_hull` | eV/atom above the hull of this set, elements included |
| `volume_per_atom` | angstrom^3, relaxed |
| `origin` | `elemental`, `prototype` (its own elements), `substitution`, `intermetallic` |

## How it is made

    nucleate datasets build prototypes --count {count} --processes 2

with seed {seed}; kill it at any moment and the same command goes on (results are kept in
`data/work/`). A relaxation takes about a quarter of a CPU second, the whole set
some {minutes} CPU minutes.

1. Prototypes: pymatgen's AFLOW library, ordered, at most {atoms} atoms in the primitive cell. Each
   with its own elements if they are allowed; small cells are used more often than large ones.
2. Elements: hydrogen to bismuth without noble gases, and thorium and uranium. Polonium to
   actinium, protactinium and all beyond uranium are left out: CHGNet has seen few or none of them.
   Each element in several elemental prototypes (packed ones for metals, molecular ones for
   diatomic elements), of which the {polymorphs} lowest in energy are kept.
3. Substitutions: where a prototype has a charge-balanced reading, pymatgen's data-mined ionic
   substitution probabilities (with Gumbel noise, charge balance kept, cations and anions also
   exchanged; Te2-, H-, P3-, As3-, Sb3- and Bi3-, which that model lacks, borrow the probabilities
   of Se2-, F- and N3-). Elsewhere metals and metalloids near the original ones on Pettifor's scale.
   Elements used least come first; at most six crystals are planned of one set of elements.
4. Volumes from pymatgen's data-mined bond lengths (`DLSVolumePredictor`); atoms and cell relaxed
   with CHGNet, symmetry kept, to {force} eV/A within {steps} steps. What does not converge, flies
   apart or collapses is dropped.
5. Canonical Wyckoff strings (tolerance {tolerance} A). Of crystals of one formula that pymatgen's
   StructureMatcher maps onto each other one is kept, the lowest in energy unless one of higher
   symmetry is within 5 meV/atom of it.
6. What lies more than {above} eV/atom above the hull of the set is dropped, and what holds an
   element without reference.

Of {jobs:,} relaxations tried, {converged:,} converged and {rows:,} crystals were kept.

## Limits

- Energies and geometries are CHGNet's (about 30 meV/atom from the Materials Project's corrected
  GGA/GGA+U on its own test set, worse far from it), relaxed loosely, without magnetism or
  dispersion. Expect some 2 meV/atom of convergence error.
- The hull knows only what is in this set: many chemical systems hold one compound and its
  elements. A low `energy_above_hull` here says little about synthesis.
- Molecular elements (H, N, O, F, Cl, Br, I) and phases with large cells (alpha-Mn, alpha-S, beta-B)
  are represented by simpler crystals, so hulls that rest on them are a little too high.
- Small cells, high symmetry and binary compounds are over-represented by design.

## Ingredients and licences

pymatgen and its AFLOW prototype library, substitution and volume models: MIT (Mehl et al. 2017,
doi:10.1016/j.commatsci.2017.01.017; Hautier et al. 2011, doi:10.1021/ic102031h; Chu et al. 2018,
doi:10.1016/j.commatsci.2018.01.040). CHGNet and its weights: modified BSD (Deng et al. 2023,
doi:10.1038/s42256-023-00716-3). The set itself is under the project's licence.

## Counts
"""


def card(rows: Sequence[Mapping[str, Any]], **facts: Any) -> str:
    """The card as Markdown.

    Args:
        rows: of the set.
        facts: `count`, `seed`, `jobs`, `converged` and the settings that the text names.
    """
    genes = [from_string(row["crystal"]) for row in rows]
    elements = [{site.element for site in gene.sites} for gene in genes]
    parts = [
        _HEAD.format(rows=len(rows), minutes=max(1, facts["jobs"] // 240), **facts),
        _table("origin", Counter(row["origin"] for row in rows)),
        _table("number of elements", Counter(len(found) for found in elements)),
        _table("atoms in the primitive cell", Counter(gene.atoms for gene in genes)),
        _table("crystal system", Counter(gene.group.system for gene in genes)),
        _line("Space groups", Counter(row["space_group"] for row in rows)),
        _line("Prototypes", Counter(row["prototype"] for row in rows)),
        _line("Elements, with the crystals that hold them", Counter(chain.from_iterable(elements))),
    ]
    return "\n".join(parts)


def _table(title: str, counts: Counter[Any]) -> str:
    lines = [f"| {title} | crystals |", "|---|---|"]
    return "\n".join([*lines, *(f"| {key} | {n} |" for key, n in counts.most_common())]) + "\n"


def _line(title: str, counts: Counter[Any]) -> str:
    text = ", ".join(f"{key} {n}" for key, n in counts.most_common())
    return f"{title} ({len(counts)}): {text}.\n"
