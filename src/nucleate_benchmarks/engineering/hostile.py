"""Malformed and hostile files and rows through the funnel: no crash, no hang, all counted.

    python -m nucleate_benchmarks.engineering.hostile --count 2000 \\
        --out results/benchmarks/screening/hostile

Half of them are rows of molecules, half crystals as files of a folder. Most are sound texts that
were damaged at random (characters lost, doubled, exchanged, cut, bytes that are no text); the
others are written to hurt: ten thousand atoms, cages, brackets a thousand deep, cells of no volume.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from nucleate.core.files import read_json, write_json, write_text
from nucleate.core.manifest import Manifest
from nucleate.settings.data import DatasetSettings
from nucleate.settings.screen import ScreenSettings
from nucleate_benchmarks.common import figures

SECONDS = 10.0
"""Limit for one structure."""
SMILES = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[C@H](N)C(=O)O",
    "O=C(O)c1ccc2c(c1)[nH]c1ccccc12",
    "FC(F)(F)c1ccc(Cl)c(NS(=O)(=O)C2CC2)c1",
    "[Na+].[O-]C(=O)c1ccccc1",
)
CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma {gamma}
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{sites}
"""


def damaged(text: str, rng: np.random.Generator) -> str:
    """A text with some of its characters lost, doubled, exchanged or replaced, or cut."""
    letters = list(text)
    for _ in range(int(rng.integers(1, 6))):
        if not letters:
            break
        place = int(rng.integers(len(letters)))
        kind = int(rng.choice(6, p=(0.25, 0.15, 0.2, 0.25, 0.03, 0.12)))
        if kind == 0:
            del letters[place]
        elif kind == 1:
            letters.insert(place, letters[place])
        elif kind == 2:
            other = int(rng.integers(len(letters)))
            letters[place], letters[other] = letters[other], letters[place]
        elif kind == 3:
            letters[place] = str(rng.choice(list("()[]%@=#$*:.-+\\/0987é☃\x01ncoXZ ")))
        elif kind == 4:
            letters = letters[:place]
        else:
            letters[place:place] = letters[place : place + int(rng.integers(2, 30))]
    return "".join(letters)


def cruel_smiles(rng: np.random.Generator) -> list[str]:
    """SMILES written to hurt: one of each kind."""
    size = int(rng.integers(500, 4000))
    ring = "".join(f"C%{n}" for n in range(10, 60)) * 2
    lattice = ".".join("C" for _ in range(2000))
    return [
        "C" * 10_000,
        "(" * size,
        "C(" * size + ")" * size,
        "[" * size + "C" + "]" * size,
        "C1" * size,
        ring,
        lattice,
        "c1ccccc1" * 400,
        "C12C3C4C1C5C2C3C45",
        "C1" + "C2CC1CC2C1" * 150 + "C1",
        "[999C]",
        "[C+20]",
        "[C-15]",
        "[H]" * 200,
        "[U]([Pu])([Np])[Th]",
        "*" * 60,
        "[*:1]C[*:2]",
        "C[Si](C)(C)(C)(C)(C)C",
        "N" * 300,
        "O" * 100,
        "P(F)(F)(F)(F)(F)(F)(F)F",
        "C%99CC%99%",
        "C1CC1C1CC1" * 80,
        "[nH]1" * 30,
        "InChI=1S/CH4/h1H4",
        "\x00\x01\x02",
        "'; DROP TABLE molecules; --",
        "=1+1",
        "c1cc2cc3cc4cc5cc6cc7cc8cc9cc%10ccccc%10cc9cc8cc7cc6cc5cc4cc3cc2cc1",
        "C/C=C/C=C\\C=C/C=C\\C=C/" * 40 + "C",
        "[C@@H](F)(Cl)(Br)(I)[C@H]",
        "C@C@C@C",
        "%",
        "",
        "   ",
        "C" + "[C@](F)(Cl)" * 200 + "C",
    ]


def _cif(rng: np.random.Generator, **changes: Any) -> str:
    values: dict[str, Any] = {"name": "x", "a": 4.2, "c": 4.2, "gamma": 90}
    sites = changes.pop("sites", "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1")
    return CIF.format(**(values | changes), sites=sites)


def cruel_cifs(rng: np.random.Generator) -> list[str]:
    """CIF texts written to hurt: one of each kind."""
    symbols = ["H", "Fe", "O", "U", "Xx", "D", "Og", "Na", "C"]
    many = "\n".join(
        f"A{n} {rng.choice(symbols)} {rng.random():.6f} {rng.random():.6f} {rng.random():.6f} 1"
        for n in range(900)
    )
    heap = "\n".join(f"C{n} C 0.{n % 10} 0.{n % 7} 0.{n % 3} 1" for n in range(50))
    return [
        _cif(rng, a=0),
        _cif(rng, a=-4.2),
        _cif(rng, a="nan"),
        _cif(rng, a="inf"),
        _cif(rng, a=1e12),
        _cif(rng, a=1e-9),
        _cif(rng, a="4.2(1"),
        _cif(rng, gamma=0),
        _cif(rng, gamma=180),
        _cif(rng, gamma=359.9),
        _cif(rng, c=900),
        _cif(rng, sites=""),
        _cif(rng, sites=many),
        _cif(rng, sites=heap),
        _cif(rng, sites="Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5"),
        _cif(rng, sites="Na1 Na 0 0 0 -3"),
        _cif(rng, sites="X1 Xx 0 0 0 1"),
        _cif(rng, sites="He1 He 0 0 0 1"),
        _cif(rng, sites="Og1 Og 0 0 0 1"),
        _cif(rng, sites="Na1 Na nan 0 0 1"),
        _cif(rng, sites="Na1 Na 0 0 0 1\n" * 40),
        _cif(rng, sites="Na1 Na 0 0"),
        _cif(rng, sites="Na1 Na 1e30 0 0 1"),
        _cif(rng).replace("'P 1'", "'F m -3 m'"),
        _cif(rng).replace("'P 1'", "'X y z w'"),
        _cif(rng) + "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'x+1e9,y/0,z'\n",
        "data_\n" * 500,
        "loop_\n" * 3000,
        "_" * 100_000,
        "not a crystal at all",
        "\x00" * 100,
    ]


@dataclass(frozen=True)
class Kind:
    """A kind of matter and its hostile inputs: writes them, returns what to read."""

    matter: str
    write: Callable[[Path, int, np.random.Generator], Path]


def write_rows(folder: Path, count: int, rng: np.random.Generator) -> Path:
    """A CSV of `count` hostile rows of molecules."""
    cruel = cruel_smiles(rng)
    rows = cruel[:count]
    while len(rows) < count:
        rows.append(damaged(str(rng.choice(SMILES)), rng))
    path = folder / "rows.csv"
    lines = [
        f'{n},"{text}"'
        for n, text in enumerate(t.replace('"', "").replace("\n", " ") for t in rows)
    ]
    path.write_text("\n".join(["id,smiles", *lines]) + "\n", encoding="utf-8", errors="replace")
    return path


def write_files(folder: Path, count: int, rng: np.random.Generator) -> Path:
    """A folder of `count` hostile files of crystals: CIF and POSCAR, and bytes called so."""
    place = folder / "files"
    place.mkdir()
    cruel = cruel_cifs(rng)
    for number in range(count):
        text = cruel[number] if number < len(cruel) else damaged(_cif(rng), rng)
        data = text.encode("utf-8", "replace")
        name = f"{number:05d}.cif"
        if number % 17 == 0 and number >= len(cruel):
            data, name = rng.bytes(200), f"{number:05d}.cif"
        elif number % 11 == 0 and number >= len(cruel):
            data, name = damaged(_POSCAR, rng).encode(), f"{number:05d}.vasp"
        (place / name).write_bytes(data)
    return place


_POSCAR = """NaCl
1.0
4.2 0 0
0 4.2 0
0 0 4.2
Na Cl
1 1
direct
0 0 0
0.5 0.5 0.5
"""
KINDS = (Kind("molecules", write_rows), Kind("crystals", write_files))


def survived(kind: Kind, count: int, seed: int, processes: int, folder: Path) -> dict[str, Any]:
    """Screen hostile inputs of one kind; what became of them.

    Returns:
        `entered`, `candidates`, `rejected`, `merged` (equal to others), `counted` (whether these
        add up to the count), `stopped`, `seconds` and the commonest `reasons`.
    """
    from nucleate.matter import registry
    from nucleate.stages.screen import screen_file

    folder.mkdir(parents=True, exist_ok=True)
    source = kind.write(folder, count, np.random.default_rng(seed))
    matter = registry.get(kind.matter)
    names = [
        name for name, check in matter.checks.own().items() if check.usual and not check.expensive
    ]
    begun = time.perf_counter()
    manifest = screen_file(
        ScreenSettings(
            checks=tuple({"name": name} for name in names),
            keep=0,
            seconds=SECONDS,
            processes=processes,
        ),
        DatasetSettings(source=str(source)),
        folder / "screened",
        matter_name=kind.matter,
        seed=seed,
        device="cpu",
    )
    return _counted(manifest, count) | {"seconds": round(time.perf_counter() - begun, 1)}


def _counted(manifest: Manifest, count: int) -> dict[str, Any]:
    steps = read_json(manifest.path("funnel.json"))
    rejected = pq.read_table(manifest.path("rejected.parquet")).to_pylist()
    reasons = Counter(row["reason"].partition(":")[0] for row in rejected)
    merged = steps[0]["entered"] - steps[0]["passed"]
    merged -= sum(row["rejected_by"] == steps[0]["check"] for row in rejected)
    stopped = sum("stopped after" in r["reason"] or "process died" in r["reason"] for r in rejected)
    candidates = manifest.metrics["candidates"]
    return {
        "entered": steps[0]["entered"],
        "candidates": candidates,
        "rejected": len(rejected),
        "merged": merged,
        "counted": candidates + len(rejected) + merged == count == steps[0]["entered"],
        "stopped": stopped,
        "reasons": dict(reasons.most_common(12)),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit status 1 if anything was lost."""
    from nucleate.core.parallel import default_processes

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="of files and rows together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=default_processes())
    parser.add_argument("--out", required=True, type=Path, help="file without suffix")
    asked = parser.parse_args(arguments)
    words = " ".join(sys.argv[1:] if arguments is None else arguments)
    head = figures.surroundings(f"python -m nucleate_benchmarks.engineering.hostile {words}")
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in KINDS:
            half = asked.count // len(KINDS)
            folder = Path(scratch) / kind.matter
            found[kind.matter] = survived(kind, half, asked.seed, asked.processes, folder)
            print(kind.matter, found[kind.matter], flush=True)
    write(asked.out, head | {"seed": asked.seed, "limit": SECONDS}, found)
    return 0 if all(one["counted"] for one in found.values()) else 1


def write(out: Path, head: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    """Write `OUT.json` and `OUT.md`."""
    write_json(out.with_suffix(".json"), {**head, "found": found})
    columns = ("entered", "candidates", "rejected", "merged", "stopped", "counted", "seconds")
    lines = [
        "# Malformed and hostile files and rows",
        "",
        f"    {head['command']}",
        "",
        f"{head['date']}, {head['machine']['processor']}. Through all checks that cost less than "
        f"seconds; a limit of {head['limit']:g} s for each structure in each check.",
        "",
        "| kind | " + " | ".join(columns) + " | commonest first words of reasons |",
        "|" + "---|" * (2 + len(columns)),
    ]
    for kind, one in found.items():
        cells = [figures.number(one[c]) if c == "seconds" else str(one[c]) for c in columns]
        reasons = ", ".join(f"{reason} {count}" for reason, count in one["reasons"].items())
        lines.append("| " + " | ".join([kind, *cells, reasons]) + " |")
    lines += [
        "",
        "- candidates: damage that left a sound structure",
        "- merged: equal to another one",
        "- stopped: beyond the limit, or the worker process died",
        "- counted: candidates, rejected and merged ones add up",
    ]
    write_text(out.with_suffix(".md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
