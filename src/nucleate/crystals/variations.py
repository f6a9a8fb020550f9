"""How a search compares and changes crystals."""

from __future__ import annotations

from collections.abc import Sequence

from nucleate.crystals.codec.wyckoff_codec import WyckoffCodec
from nucleate.crystals.conditions.substitution import SubstitutionLegality, regrowth
from nucleate.crystals.edits import CrystalEdits
from nucleate.crystals.geometry.comparison import CrystalComparison
from nucleate.matter.codec import Codec
from nucleate.matter.variation import Edits, Variations


class CrystalVariations(Variations):
    """Edits of Wyckoff strings; arrangements that are kept while one or two elements are the
    decoder's."""

    def comparison(self) -> CrystalComparison:
        return CrystalComparison()

    def edits(self, codec: Codec | None) -> dict[str, Edits]:
        return {"gene": CrystalEdits(codec if isinstance(codec, WyckoffCodec) else None)}

    def regrowth(
        self, codec: Codec, structures: Sequence[str | None], seed: int
    ) -> SubstitutionLegality | None:
        return regrowth(codec, structures, seed) if isinstance(codec, WyckoffCodec) else None
