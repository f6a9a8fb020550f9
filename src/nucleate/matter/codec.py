"""Structure strings as arrays of a schema, and rows on their way to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from nucleate.vae.schema import Record, Schema


@dataclass(frozen=True)
class RawRow:
    """One row as it stands in a file, not yet looked at.

    Attributes:
        number: one-based data row (header not counted).
        id: the file's own id of the row, or its number as text.
        payload: what `Matter.standardise` takes; small and picklable (a SMILES, CIF text).
        properties: by column name; NaN where missing or not finite.
        error: why the row could not even be read; then `payload` is None.
    """

    number: int
    id: str
    payload: Any
    properties: dict[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Standardised:
    """A structure in canonical form.

    Attributes:
        structure: the structure string.
        key: rows with different keys are surely different structures; rows with equal keys are
            compared by `Matter.duplicate`.
    """

    structure: str
    key: str


class Codec(ABC):
    """Structure string <-> `Record` of a schema. Rebuilt from JSON in every worker process."""

    schema: Schema

    @abstractmethod
    def encode(self, structure: str) -> Record:
        """Arrays of a structure.

        Raises:
            StructureError: the schema cannot hold it (unknown symbol, too long); names the part.
        """

    def encode_spelling(self, spelling: str) -> Record:
        """Arrays of another way to write a structure (see `Matter.spellings`)."""
        return self.encode(spelling)

    def auxiliary(self, structure: str) -> dict[str, NDArray[Any]]:
        """Values of the schema's auxiliary fields for a structure, each [size]: float32 with NaN
        where missing, or uint8 for bernoulli fields.

        Raises:
            StructureError: the structure cannot be read.
        """
        return {}

    def auxiliaries(self, structures: Sequence[str]) -> list[dict[str, NDArray[Any]]]:
        """`auxiliary` of each structure, where many at once are less work.

        Raises:
            StructureError: one of the structures cannot be read.
        """
        return [self.auxiliary(structure) for structure in structures]

    def extended(self, structures: Sequence[str]) -> Codec:
        """A codec that also holds these structures as far as new symbols allow; symbols that were
        known keep their numbers. Itself if the kind of matter has a closed alphabet."""
        return self

    def symbols(self) -> list[str]:
        """What each value of the first step field stands for, by number; empty if it has no
        names."""
        return []

    @abstractmethod
    def decode(self, record: Record) -> str:
        """The structure string that the arrays mean, canonical.

        Raises:
            StructureError: the arrays mean no structure.
        """

    def as_written(self, record: Record) -> str:
        """The structure that the arrays mean, canonical or not, whichever is quicker.

        Raises:
            StructureError: the arrays mean no structure.
        """
        return self.decode(record)

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Plain values from which `Matter.load_codec` rebuilds the codec."""
