"""The molecules' codecs by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nucleate.core.errors import CheckpointError
from nucleate.matter.codec import Codec, Codecs
from nucleate.molecules.options import CodecOptions

if TYPE_CHECKING:
    from nucleate.molecules.codecs.fragment_codec import FragmentCodec
    from nucleate.molecules.codecs.selfies_codec import SelfiesCodec
    from nucleate.vae.legality import Legality
    from nucleate.vae.schema import Schema


def _codec_class(kind: Any) -> type[FragmentCodec | SelfiesCodec]:
    """The codec of a kind, as options or JSON write it; only that one is imported."""
    if kind in ("selfies", "selfies_byte_pairs"):
        from nucleate.molecules.codecs.selfies_codec import SelfiesCodec

        return SelfiesCodec
    if kind == "fragments":
        from nucleate.molecules.codecs.fragment_codec import FragmentCodec

        return FragmentCodec
    raise CheckpointError(f"codec of molecules of an unknown kind: {kind!r}")


class MoleculeCodecs(Codecs):
    """Trees of fragments, and SELFIES merged by byte pairs."""

    Options = CodecOptions

    def fit(self, structures: Sequence[str], options: CodecOptions, seed: int) -> Codec:
        """Learn the codec that the options name on training molecules (canonical SMILES).

        Raises:
            StructureError: none of the molecules can be written.
        """
        return _codec_class(options.kind).fit(structures, options, seed)

    def load(self, data: Mapping[str, Any]) -> Codec:
        """Rebuild a codec from its JSON.

        Raises:
            CheckpointError: of an unknown kind, or damaged.
        """
        return _codec_class(data.get("kind")).load(data)

    def spellings(self, structure: str, count: int, seed: int) -> list[str]:
        from nucleate.molecules.chemistry.chem import random_spellings

        return random_spellings(structure, count, seed)

    def legality(self, schema: Schema) -> Legality:
        from nucleate.molecules.codecs.legality import PreorderLegality, SelfiesLegality

        return (PreorderLegality if schema.options.get("preorder") else SelfiesLegality)(schema)
