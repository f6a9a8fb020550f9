"""The benchmark of relaxation counts honestly, and goes on where it was killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff
from nucleate.matter.checks import Candidate, CheckContext
from nucleate.matter.registry import get
from nucleate_benchmarks.common.figures import Section
from nucleate_benchmarks.crystals.stability.relaxation import Kept, exactness, throughput
from nucleate_benchmarks.engineering.screening_crystals import CHEAP, Tally


def row(energy: float, crystal: str = "225 a:Na b:Cl | 5.64", converged: bool = True) -> Any:
    final = structure_from_wyckoff(from_string(crystal)).as_dict()
    return {"energy": energy, "steps": 4, "converged": converged, "final": final}


def value(section: Section, name: str) -> float:
    (found,) = [figure.value for figure in section.figures if figure.name == name]
    return found


def test_energies_apart_are_counted_and_other_minima_told_apart() -> None:
    ours = [row(-3.4), row(-3.4), row(-3.41, "221 a:Na b:Cl | 3.5"), row(-1, converged=False)]
    theirs = [row(-3.4015), row(-3.39), row(-3.4), row(-1)]
    section, details = exactness({"ours": [{"rows": ours}], "theirs": [{"rows": theirs}]})
    assert value(section, "both converged") == 0.75
    assert value(section, "within 2 meV/atom") == pytest.approx(1 / 3)
    assert value(section, "further apart, ours lower") == 2
    assert value(section, "further apart, ours higher") == 0
    assert value(section, "further apart, other structure") == 1
    assert len(details) == 4


def test_throughput_is_a_ratio_of_wall_times() -> None:
    def chunk(wall: float) -> dict[str, Any]:
        return {"rows": [row(-3.4)], "wall": wall, "cpu": wall / 2}

    found = {
        "ours": [chunk(1), chunk(1)],
        "theirs": [chunk(4), chunk(2)],
        "symmetric": [chunk(0.5), chunk(0.5)],
    }
    section = throughput(found, 2)
    assert value(section, "times its throughput (asked: 3)") == 3
    assert value(section, "times its throughput, symmetry kept") == 6
    assert value(section, "lockstep: crystals/s") == 1


def test_chunks_are_computed_once(tmp_path: Path) -> None:
    calls: list[int] = []

    def compute() -> list[dict[str, Any]]:
        calls.append(1)
        return [{"energy": -1.0}]

    file = tmp_path / "kept.jsonl"
    Kept(file).get("a", compute)
    with file.open("a") as stream:
        stream.write('["b", {"rows"')  # a kill while writing
    again = Kept(file)
    assert again.get("a", compute)["rows"] == [{"energy": -1.0}]
    assert len(calls) == 1


def test_tally_of_real_crystals_adds_up() -> None:
    tally = Tally()
    candidates = [
        Candidate(c)
        for c in ("225 a:Na b:Cl | 5.64", "225 a:Mg b:Cl | 5.2", "225 a:Na b:Cl | 3.3", "x")
    ]
    for name in CHEAP:
        check = get("crystals").checks.build(name, {}, CheckContext(), "test")
        candidates = tally.through(check, candidates)
    assert [c.structure for c in candidates] == ["225 a:Na b:Cl | 5.64"]
    assert dict(tally.rejected) == {"legal": 1, "density": 1, "smact": 1}
    first, second = tally.sections(CHEAP, 4, "title", "")
    assert value(first, "pass all") == 0.25
    assert value(first, "rejected by smact") == 0.25
    assert len(second.figures) == len(CHEAP) + 1
