"""Base of the molecules' codecs: the verified round trip, and sizes that follow from the set."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.matter.codec import Codec
from nucleate.molecules.options import CodecOptions
from nucleate.vae.schema import Record

_LARGE_SET = 50_000
"""Training molecules from which the vocabulary is larger and the round trip not verified."""
_RARE = 64  # molecules that show a SMILES token before it counts as covered
# Atoms, bonds and ring closures of a SMILES with the bond mark before them.
_SMILES_TOKEN = re.compile(r"[-=#/\\]?(?:\[[^\]]+\]|Br|Cl|[A-Za-z]|%\d\d|\d)")


class MoleculeCodec(Codec):
    """A codec that can check what it writes.

    Attributes:
        kind: its name in its JSON.
        format: version of that JSON.
        verify: whether `encode` checks the round trip.
    """

    kind: ClassVar[str]
    format: ClassVar[int] = 1
    verify: bool

    def encode(self, structure: str) -> Record:
        """Tokens of a canonical SMILES.

        Raises:
            StructureError: as `encode_spelling` does, or `not_round_trip`.
        """
        record = self.encode_spelling(structure)
        if self.verify:
            back = self.decode(record)
            if back != structure:
                raise StructureError("not_round_trip", f"{structure[:80]} came back as {back[:80]}")
        return record

    @abstractmethod
    def encode_spelling(self, spelling: str) -> Record:
        """Tokens of any SMILES, unverified."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json` of the right kind; any exception says that it is damaged."""

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`.

        Raises:
            CheckpointError: not what `to_json` writes.
        """
        try:
            if data["format"] == cls.format and data["kind"] == cls.kind:
                return cls.from_json(data)
        except CheckpointError:
            raise
        except Exception as error:  # `tokenizers` raises bare Exception for a damaged text
            raise CheckpointError(f"codec of molecules is damaged ({brief(error)})") from None
        raise CheckpointError(f"codec of another format: {data['kind']} {data['format']}")


def brief(error: Exception) -> str:
    """Type and first line of an error."""
    lines = str(error).split("\n")
    return f"{type(error).__name__}: {lines[0][:120]}"


@dataclass(frozen=True)
class Sizes:
    """The options of a codec where they follow from the training set if not given.

    Args:
        options: what was asked for.
        molecules: of the training set.
    """

    options: CodecOptions
    molecules: int

    def vocabulary(self, small: int, large: int) -> int:
        """Tokens wanted, given the defaults for a small and a large set."""
        return self.options.vocabulary or (large if self.molecules >= _LARGE_SET else small)

    def steps(self, longest: int) -> int:
        """Longest sequence: a quarter above the longest one of the training set."""
        return self.options.maximum_steps or longest + max(4, longest // 4)

    @property
    def verify(self) -> bool:
        """Whether the round trip is verified."""
        small = self.molecules < _LARGE_SET
        return small if self.options.verify is None else self.options.verify


def vocabulary_sample(smiles: Sequence[str], count: int, seed: int) -> Iterable[str]:
    """A random sample and, besides, every molecule with a SMILES token that few others show.

    A codec's symbols follow from SMILES tokens, so the rare symbols of a large training set are
    found without writing all of it in the codec's terms.
    """
    if len(smiles) <= count:
        yield from smiles
        return
    order = np.random.default_rng(seed).permutation(len(smiles))
    yield from (smiles[i] for i in np.sort(order[:count]))
    shown: Counter[str] = Counter()
    for i in np.sort(order[count:]):
        tokens = set(_SMILES_TOKEN.findall(smiles[i]))
        if any(shown[t] < _RARE for t in tokens):
            yield smiles[i]
        shown.update(tokens)
