"""Part of a kind of matter: structure strings as arrays of a schema, and what trains on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from nucleate.core.settings import Settings, validate
from nucleate.matter.part import MatterPart

if TYPE_CHECKING:
    import torch

    from nucleate.vae.arrays import Batch
    from nucleate.vae.legality import Legality
    from nucleate.vae.refinement import Refiner
    from nucleate.vae.schema import Record, Schema


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
        """Arrays of another way to write a structure (see `Codecs.spellings`)."""
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
        """Plain values from which `Codecs.load` rebuilds the codec."""


class Codecs(MatterPart, ABC):
    """Makes codecs, and what training and decoding need beside them.

    Attributes:
        Options: the settings' section `codec`.
    """

    Options: ClassVar[type[Settings]] = Settings

    @abstractmethod
    def fit(self, structures: Sequence[str], options: Any, seed: int) -> Codec:
        """Learn a codec (a vocabulary, say) on the training structures.

        Args:
            options: `Options`.
        """

    @abstractmethod
    def load(self, data: Mapping[str, Any]) -> Codec:
        """Rebuild a codec from `Codec.to_json`."""

    def resolve(self, options: Mapping[str, Any], where: str) -> Any:
        """`Options` of a settings file's section; `where` names it in an error."""
        return validate(self.Options, options, where)

    def spellings(self, structure: str, count: int, seed: int) -> list[str]:
        """At most `count` other ways to write a structure, for `Codec.encode_spelling`.

        Further training material where the canonical record is one of many that mean the same
        structure; nothing where it is the only one.
        """
        return []

    # What follows is asked for where training runs: it must import torch and numpy only.

    def legality(self, schema: Schema) -> Legality:
        """The masks of the schema."""
        from nucleate.vae.legality import Legality

        return Legality(schema)

    def augment(
        self, schema: Schema, options: Mapping[str, Any]
    ) -> Callable[[Batch, torch.Generator], Batch] | None:
        """A random transformation of training batches (made afresh each epoch), or None.

        Takes and returns padded batches of the schema.

        Args:
            options: `train.augment` of the settings; `enabled` false asks for none.
        """
        return None

    def refiner(self, schema: Schema) -> Refiner | None:
        """What betters the continuous fields of decoded structures at fixed categorical ones, or
        None where nothing does."""
        return None
