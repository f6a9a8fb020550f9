"""The codec of crystals, and what trains and decodes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nucleate.core.settings import validate
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.matter.codec import Codecs

if TYPE_CHECKING:
    import torch

    from nucleate.vae.arrays import Batch
    from nucleate.vae.legality import Legality
    from nucleate.vae.refinement import Refiner
    from nucleate.vae.schema import Schema


class CrystalCodecs(Codecs):
    """Wyckoff strings as arrays; torch is imported where it is needed."""

    Options = CodecOptions

    def fit(self, structures: Sequence[str], options: CodecOptions, seed: int) -> WyckoffCodec:
        return WyckoffCodec.fit(structures, options)

    def load(self, data: Mapping[str, Any]) -> WyckoffCodec:
        return WyckoffCodec.load(data)

    def legality(self, schema: Schema) -> Legality:
        from nucleate.crystals.codec.legality import CrystalLegality

        return CrystalLegality(schema)

    def augment(
        self, schema: Schema, options: Mapping[str, Any]
    ) -> Callable[[Batch, torch.Generator], Batch] | None:
        """Noise and relabelled elements (see `codec.augment`)."""
        from nucleate.crystals.codec.augment import Augment, AugmentOptions

        asked = validate(AugmentOptions, options, "train.augment")
        return Augment(schema, asked) if asked.enabled else None

    def refiner(self, schema: Schema) -> Refiner:
        """Relief of atoms that overlap."""
        from nucleate.crystals.codec.overlap_relief import OverlapRefiner

        return OverlapRefiner(schema)
