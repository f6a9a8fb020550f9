"""Part of a kind of matter: structures compared and changed without a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from nucleate.matter.codec import Codec
from nucleate.matter.part import MatterPart

if TYPE_CHECKING:
    from nucleate.vae.legality import Legality


class Comparison(ABC):
    """By what a surrogate of a search compares structures: the closer, the more alike in value."""

    @abstractmethod
    def features(
        self, structures: Sequence[str], groups: Sequence[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Features of n structures by group name; zeros for a structure that cannot be read.

        Args:
            groups: names of those wanted; all if not given.

        A group of bits, uint8 [n, B], is compared by Tanimoto similarity; a group of numbers,
        float32 [n, F], by squared distance, each number standardised by the search.
        """


class Edits(ABC):
    """Random changes of structures without any network: what latent moves are held against."""

    @abstractmethod
    def mutate(self, structures: Sequence[str], seed: int) -> list[str | None]:
        """A small change of each structure; None where none was found."""

    @abstractmethod
    def cross(self, pairs: Sequence[tuple[str, str]], seed: int) -> list[str | None]:
        """A structure of parts of both, for each pair; None where none was found."""


class Variations(MatterPart):
    """How a search compares and changes structures; by latent vectors alone if not overridden."""

    def comparison(self) -> Comparison | None:
        """By what structures are compared, or None: by their latent vectors."""
        return None

    def edits(self, codec: Codec) -> dict[str, Edits]:
        """Random changes of structures by kind: `graph` or `gene` of the structure itself, `token`
        of its record; those that this kind of matter knows."""
        return {}

    def regrowth(
        self, codec: Codec, structures: Sequence[str | None], seed: int
    ) -> Legality | None:
        """Masks of n rows, each of which keeps a random part of a structure and leaves the rest to
        the decoder; rows of None are free. None if this kind of matter knows no such masks."""
        return None
