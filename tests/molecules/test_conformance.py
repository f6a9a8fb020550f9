"""Molecules pass the suites of a kind of matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.molecules import Molecules
from nucleate.testing.pytest_codecs import CodecTestCase
from nucleate.testing.pytest_matter import MatterTestCase


class TestMolecules(MatterTestCase):
    @pytest.fixture
    def matter(self) -> Matter:
        return Molecules()

    @pytest.fixture
    def structures(self) -> list[str]:
        return ["CC(=O)Oc1ccccc1C(=O)O", "CCCCO", "C[C@H](N)C(=O)O", "c1ccncc1"]

    @pytest.fixture
    def source(self, structures: list[str], tmp_path: Path) -> Path:
        path = tmp_path / "molecules.csv"
        path.write_text("\n".join(["smiles", *structures]))
        return path


class TestSelfiesCodec(CodecTestCase):
    matter, structures = TestMolecules.matter, TestMolecules.structures

    @pytest.fixture
    def codec(self, matter: Matter, structures: list[str]) -> Codec:
        options = matter.codecs.resolve({"kind": "selfies"}, "test")
        return matter.codecs.fit(structures, options, 0)
