"""What the molecules' codecs share: the verified round trip, and sizes that follow from the set."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from nucleate.core.errors import StructureError
from nucleate.matter.codec import Codec
from nucleate.molecules.options import CodecOptions
from nucleate.vae.schema import Record

_LARGE_SET = 50_000
"""Training molecules from which the vocabulary is larger and the round trip not verified."""


class MoleculeCodec(Codec):
    """A codec that can check what it writes.

    Attributes:
        verify: whether `encode` checks the round trip.
    """

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


@dataclass(frozen=True)
class Sizes:
    """The options of a codec where they follow from the training set if not given.

    Args:
        options: what was asked for.
        molecules: of the training set.
    """

    options: CodecOptions
    molecules: int

    @property
    def large(self) -> bool:
        """Whether the training set counts as a large one."""
        return self.molecules >= _LARGE_SET

    def vocabulary(self, small: int, large: int) -> int:
        """Tokens wanted, given the defaults for a small and a large set."""
        return self.options.vocabulary or (large if self.large else small)

    def steps(self, longest: int) -> int:
        """Longest sequence: a quarter above the longest one of the training set."""
        return self.options.maximum_steps or longest + max(4, longest // 4)

    @property
    def verify(self) -> bool:
        """Whether the round trip is verified."""
        return not self.large if self.options.verify is None else self.options.verify
