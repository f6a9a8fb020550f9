"""Crystals pass the suites of a kind of matter."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nucleate.crystals import Crystals
from nucleate.matter.base import Matter
from nucleate.testing.pytest_matter import MatterTestCase


class TestCrystals(MatterTestCase):
    @pytest.fixture
    def matter(self) -> Matter:
        return Crystals()

    @pytest.fixture
    def structures(self) -> list[str]:
        return [
            "225 a:Na b:Cl | 5.6402",
            "136 a:Ti f:O(0.3048) | 4.5937 2.9581",
            "221 a:Ti b:Sr d:O | 3.905",
        ]

    @pytest.fixture
    def source(self, matter: Matter, structures: list[str], tmp_path: Path) -> Path:
        path = tmp_path / "crystals.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["cif"])
            writer.writerows([matter.export.exchange(structure)] for structure in structures)
        return path
