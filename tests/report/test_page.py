"""Parts of the report's page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nucleate.report.collect import MatterData, RunData
from nucleate.report.page import LONGEST, _cells, _losses, _origin, _tiles, render


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"origin": "study", "trial": 7.0}, "found by the search, trial 7"),
        ({"origin": "study", "trial": float("nan")}, "found by the search"),
        ({"origin": "file", "source_id": "", "row": 3}, "of the file, 3"),
        ({"origin": "prior"}, "drawn from the prior"),
        ({}, ""),
    ],
)
def test_where_a_candidate_comes_from(row: dict[str, object], said: str) -> None:
    assert _origin(row) == said


def test_long_cells_are_cut() -> None:
    assert _cells({"heavy_atoms": 3, "name": "x" * 200}) == [
        ("heavy atoms", "3"),
        ("name", "x" * LONGEST + " …"),
    ]


def test_headline_numbers_and_losses() -> None:
    held_out = {"exact_match": 0.5, "loss": {"token": 2.0, "distortion": 2.0, "rate": 9.0}}
    figures = {
        "held_out": held_out,
        "training": {"token": 1.0},
        "active_units": 3,
        "latent_size": 8,
    }
    data = MatterData(
        "molecules",
        Path(),
        stages={"train": {"metrics": figures}},
        funnel=[{"check": "size", "entered": 1200, "passed": 2}],
        candidates=pd.DataFrame({"score": [0.5, 0.25]}),
    )
    assert [value for value, _ in _tiles(data)] == ["2", "1,200", "50.0 %", "3 / 8"]
    assert _losses(data) == [
        ("token", 2.0, 1.0),
        ("all fields together", 2.0, None),
        ("rate (divergence from the prior)", 9.0, None),
    ]


def test_what_was_decided_on_reading_stands_on_the_page() -> None:
    unread = {"numbers": 3, "unread": 1, "first": ["'>5' (row 2)"]}
    reading = {"notes": {"left out sodium": 12}, "unread": {"pIC50": unread}}
    data = MatterData("molecules", Path(), stages={"screen": {"metrics": {"reading": reading}}})
    facts = dict.fromkeys(("run", "updated", "seed", "code_version", "python", "platform"), "")
    page = render(RunData(Path(), facts, "", [data]))
    assert "<li>left out sodium: 12 rows</li>" in page
    assert "1 of 4 cells that hold something are no numbers: &#39;&gt;5&#39; (row 2)" in page
    silent = MatterData("molecules", Path(), stages={"screen": {"metrics": {}}})
    assert "What reading the files decided" not in render(RunData(Path(), facts, "", [silent]))
