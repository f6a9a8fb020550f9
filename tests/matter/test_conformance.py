"""Toy numbers and strands of DNA pass the suites of what they offer."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from nucleate.matter.base import Matter
from nucleate.matter.checks import Check, CheckContext
from nucleate.matter.codec import Codec, Codecs
from nucleate.matter.reader import Reader
from nucleate.testing.pytest_checks import ChecksTestCase, CheckTestCase
from nucleate.testing.pytest_matter import (
    ExportTestCase,
    GuideTestCase,
    IdentityTestCase,
    MatterTestCase,
    PropertiesTestCase,
    ReaderTestCase,
)
from nucleate.testing.toy_guide import GuidedMatter

PLUGIN = Path(__file__).parents[1] / "dna_plugin"


def test_few_methods_suffice_to_be_sampled() -> None:
    unwritten = [part.__abstractmethods__ for part in (Reader, Codecs, Codec)]
    assert sum(map(len, unwritten)) + len(["schema"]) <= 8


class TestDna(MatterTestCase):
    name = "Dna"

    @pytest.fixture
    def matter(self, monkeypatch: pytest.MonkeyPatch) -> Matter:
        monkeypatch.syspath_prepend(PLUGIN)
        kind: Matter = getattr(importlib.import_module("dna_matter"), self.name)()
        return kind

    @pytest.fixture
    def structures(self) -> list[str]:
        return ["ACGTAC", "AACCA", "ACGTTTGA", "AGAGC"]

    @pytest.fixture
    def source(self, structures: list[str], tmp_path: Path) -> Path:
        path = tmp_path / "strands.csv"
        path.write_text("\n".join(["sequence", *structures]))
        return path


class TestRunsCheck(CheckTestCase):
    matter, structures = TestDna.matter, TestDna.structures
    name = "Dna"

    @pytest.fixture
    def check(self, matter: Matter) -> Check:
        return matter.checks.build("runs", {}, CheckContext(), "test")


class TestStrands(TestDna):
    """Parts that are not written have defaults."""

    name = "Strands"
    reads = False


class TestToyMatter(
    ReaderTestCase,
    IdentityTestCase,
    PropertiesTestCase,
    ChecksTestCase,
    GuideTestCase,
    ExportTestCase,
):
    """Whole numbers, which have no codec."""

    @pytest.fixture
    def matter(self) -> Matter:
        return GuidedMatter()

    @pytest.fixture
    def structures(self) -> list[str]:
        return ["1,2,3,4", "0,0,1,0", "5,-2,0,1"]

    @pytest.fixture
    def source(self, structures: list[str], tmp_path: Path) -> Path:
        path = tmp_path / "numbers.txt"
        path.write_text("\n".join(structures))
        return path
