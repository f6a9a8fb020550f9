"""Encoding a list of structures: what is kept, what is refused, what comes with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.datasets.encoding import Encoded, encode_structures
from nucleate.molecules import Molecules
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.options import CodecOptions

MOLECULES = Molecules()
KNOWN = ["CCO", "CCN", "c1ccccc1", "Cc1ccccc1", "CC(=O)O", "NCCO"]
STRUCTURES = ["CCO", "[Pt]CC", "NCCO", "nonsense(", "Cc1ccccc1", "CCN"]


@pytest.fixture(scope="module")
def codec() -> FragmentCodec:
    return FragmentCodec.fit(KNOWN, CodecOptions(), 0)


def encoded(codec: FragmentCodec, folder: Path, chunk: int = 4) -> Encoded:
    return encode_structures(
        STRUCTURES, MOLECULES, codec.to_json(), codec.schema, folder, chunk=chunk
    )


def test_arrays_are_those_of_the_codec(codec: FragmentCodec, tmp_path: Path) -> None:
    found = encoded(codec, tmp_path)
    assert found.kept.tolist() == [0, 2, 4, 5]
    assert {k: reason for k, (reason, _) in found.refused.items()} == {
        1: "unknown_symbol",
        3: "unparsable",
    }
    records = [codec.encode(STRUCTURES[i]) for i in found.kept]
    assert found.arrays.lengths.tolist() == [len(r) for r in records]
    tokens = np.concatenate([r.steps["fragment"] for r in records])
    np.testing.assert_array_equal(found.arrays.steps["fragment"], tokens)
    for name, values in found.arrays.auxiliary.items():
        own = np.stack([codec.auxiliary(STRUCTURES[i])[name] for i in found.kept])
        np.testing.assert_array_equal(values, own)


def test_failing_labels_refuse_a_structure_in_its_place(
    codec: FragmentCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FragmentCodec.auxiliaries

    def fails(self: FragmentCodec, structures: list[str]) -> list[dict[str, NDArray[Any]]]:
        if "CCO" in structures:
            raise StructureError("odd", "for the test")
        if "NCCO" in structures:
            raise ZeroDivisionError("of a library")
        return whole(self, structures)

    monkeypatch.setattr(FragmentCodec, "auxiliaries", fails)
    found = encoded(codec, tmp_path)
    assert found.kept.tolist() == [4, 5]
    assert list(found.refused) == [0, 1, 2, 3]
    assert found.refused[0] == ("odd", "for the test")
    assert found.refused[2] == ("unexpected_error", "ZeroDivisionError: of a library")
    assert len(found.arrays.auxiliary["descriptors"]) == 2
