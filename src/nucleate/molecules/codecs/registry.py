"""The molecules' codecs by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nucleate.core.errors import CheckpointError
from nucleate.matter.codec import Codec
from nucleate.molecules.options import CodecOptions


def fit_codec(smiles: Sequence[str], options: CodecOptions, seed: int) -> Codec:
    """Learn the codec that the options name on training molecules (canonical SMILES).

    Raises:
        StructureError: none of the molecules can be written.
    """
    if options.kind == "selfies":
        from nucleate.molecules.codecs.selfies_codec import SelfiesCodec

        return SelfiesCodec.fit(smiles, options, seed)
    from nucleate.molecules.codecs.fragment_codec import FragmentCodec

    return FragmentCodec.fit(smiles, options, seed)


def load_codec(data: Mapping[str, Any]) -> Codec:
    """Rebuild a codec from its JSON.

    Raises:
        CheckpointError: of an unknown kind, or damaged.
    """
    kind = data.get("kind")
    if kind == "selfies_byte_pairs":
        from nucleate.molecules.codecs.selfies_codec import SelfiesCodec

        return SelfiesCodec.load(data)
    if kind == "fragments":
        from nucleate.molecules.codecs.fragment_codec import FragmentCodec

        return FragmentCodec.load(data)
    raise CheckpointError(f"codec of molecules of an unknown kind: {kind!r}")
