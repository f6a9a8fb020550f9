"""The suite that a codec passes: subclass `CodecTestCase` and run it.

class TestMine(CodecTestCase):
    @pytest.fixture
    def matter(self) -> Matter:
        return Mine()

    @pytest.fixture
    def structures(self) -> list[str]:
        return ["ACGT", "AAAC"]
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from nucleate.core.errors import SettingsError, StructureError
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.settings.model import NetworkSettings
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.decoding import decode
from nucleate.vae.model import VAE
from nucleate.vae.schema import Record


class CodecTestCase:
    """What every `Codec` keeps, and the `Codecs` that makes it."""

    @pytest.fixture
    def matter(self) -> Matter:
        """The kind of matter."""
        raise NotImplementedError

    @pytest.fixture
    def structures(self) -> list[str]:
        """Several different canonical structures that the codec learns from and holds."""
        raise NotImplementedError

    @pytest.fixture
    def codec(self, matter: Matter, structures: list[str]) -> Codec:
        """The codec that is tested."""
        return matter.codecs.fit(structures, matter.codecs.resolve({}, "test"), 0)

    @pytest.fixture
    def network(self, matter: Matter, codec: Codec) -> VAE:
        """An untrained network of the codec's schema."""
        torch.manual_seed(0)
        settings = NetworkSettings(width=16, latent=4)
        return VAE(codec.schema, matter.codecs.legality(codec.schema), settings).eval()

    def test_structures_come_back_from_their_arrays(
        self, codec: Codec, structures: list[str]
    ) -> None:
        for structure in structures:
            record = codec.encode(structure)
            record.check(codec.schema)
            assert codec.decode(record) == structure
            assert codec.as_written(record)

    def test_the_schema_is_that_of_the_kind(self, matter: Matter, codec: Codec) -> None:
        assert codec.schema.matter == matter.name
        names = codec.symbols()
        assert not names or len(names) == codec.schema.step[0].size

    def test_unknown_options_are_told(self, matter: Matter) -> None:
        with pytest.raises(SettingsError, match="here"):
            matter.codecs.resolve({"no_such_option": 1}, "here")

    def test_it_is_rebuilt_from_json(
        self, matter: Matter, codec: Codec, structures: list[str]
    ) -> None:
        again = matter.codecs.load(json.loads(json.dumps(codec.to_json())))
        assert again.schema.to_json() == codec.schema.to_json()
        assert again.to_json() == codec.to_json()
        for structure in structures:
            assert same_records(again.encode(structure), codec.encode(structure))

    def test_what_it_cannot_read_is_refused_with_a_reason(self, codec: Codec) -> None:
        for text in ("", "no structure at all", "\0"):
            with pytest.raises(StructureError) as caught:
                codec.encode(text).check(codec.schema)
            assert caught.value.reason

    def test_auxiliary_values_have_the_schema_s_shapes(
        self, codec: Codec, structures: list[str]
    ) -> None:
        together = codec.auxiliaries(structures)
        sizes = {field.name: field.size for field in codec.schema.auxiliary}
        for values, structure in zip(together, structures, strict=True):
            assert set(values) <= set(sizes)
            assert {name: value.shape for name, value in values.items()} == {
                name: (sizes[name],) for name in values
            }
            for name, value in codec.auxiliary(structure).items():
                np.testing.assert_array_equal(values[name], value)

    def test_other_spellings_mean_the_same(
        self, matter: Matter, codec: Codec, structures: list[str]
    ) -> None:
        for structure in structures:
            spellings = matter.codecs.spellings(structure, 3, seed=0)
            assert len(spellings) <= 3
            assert spellings == matter.codecs.spellings(structure, 3, seed=0)
            for spelling in spellings:
                try:
                    record = codec.encode_spelling(spelling)
                except StructureError:
                    continue
                assert codec.decode(record) == structure

    def test_extending_it_keeps_the_numbers(self, codec: Codec, structures: list[str]) -> None:
        again = codec.extended(structures)
        assert again.symbols()[: len(codec.symbols())] == codec.symbols()
        for structure in structures:
            assert same_records(again.encode(structure), codec.encode(structure))

    def test_what_it_writes_is_legal(
        self, codec: Codec, network: VAE, structures: list[str]
    ) -> None:
        records = [codec.encode(structure) for structure in structures]
        batch = RaggedArrays.from_records(codec.schema, records).batch(np.arange(len(records)))
        with torch.no_grad():
            nats = network.reconstruct(torch.zeros(len(records), 4), batch).nats
        total = torch.stack(list(nats.values())).sum(0)
        assert bool((total < 1e6).all()), "a mask forbids a structure of the training set"

    def test_what_is_decoded_is_canonical_or_refused(self, codec: Codec, network: VAE) -> None:
        latent = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
        arrays, likelihood = decode(network, latent, 1.0, torch.Generator().manual_seed(0))
        assert bool(torch.isfinite(likelihood).all())
        for index in range(len(arrays)):
            record = arrays.record(index)
            record.check(codec.schema)
            try:
                structure = codec.decode(record)
                again = codec.encode(structure)
            except StructureError:
                continue
            assert codec.decode(again) == structure


def same_records(first: Record, second: Record) -> bool:
    """Whether two records hold the same arrays."""
    pairs = [(first.once, second.once), (first.steps, second.steps)]
    return all(
        set(a) == set(b) and all(np.array_equal(a[n], b[n], equal_nan=True) for n in a)
        for a, b in pairs
    )
