"""Part of a kind of matter: generation under conditions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, validate
from nucleate.matter.codec import Codec
from nucleate.matter.part import Kind, MatterPart
from nucleate.matter.properties import Properties
from nucleate.matter.reader import Reader
from nucleate.settings.sample import ConditionSettings, Window

if TYPE_CHECKING:
    from nucleate.vae.legality import Legality

Columns = dict[str, NDArray[np.float64]]
"""Numbers of structures by column name, [n] each."""


class Constraint(ABC):
    """What the decoder itself is made to keep, by masks; more than one part of a structure.

    Attributes:
        notes: what a person should know of it, one sentence each.
    """

    notes: Sequence[str] = ()

    def ways(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Numbers of random ways to meet the constraint, where there are several that have to be
        told apart before a structure is written, [n]."""
        return np.zeros(count, np.int64)

    def starting_points(self, structures: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
        """Structures like those given that meet the constraint, at most one for each, and the way
        in which each does, [n]: where to start from. None if that is not known."""
        return [], np.zeros(0, np.int64)

    @abstractmethod
    def legality(self, ways: NDArray[np.int64]) -> Legality:
        """Masks of n rows, each of which meets the constraint in its way."""

    @abstractmethod
    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        """Numbers to show of structures, and why each does not meet the constraint (empty if it
        does); independent of how it was made."""

    def columns(self, legality: Legality, structures: Sequence[str | None]) -> Columns:
        """Further numbers of what was decoded under masks of `legality`; None is no structure."""
        return {}

    def figures(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the summary says of the rows that were found."""
        return {"notes": "; ".join(self.notes)} if self.notes else {}


class ScaffoldConstraint(ABC):
    """A part that every structure keeps, and how a decoder is made to keep it.

    Attributes:
        part: the part as a structure string.
        minimum_size: least size of a structure that holds it.
    """

    part: str
    minimum_size: int

    @abstractmethod
    def legality(self, count: int, generator: np.random.Generator) -> Legality:
        """Masks of `count` rows, each of which keeps the part in a way of its own."""

    @abstractmethod
    def holds(self, structures: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each structure keeps the part as was asked for, [n]; independent of how it was
        made."""


class Variation(ABC):
    """Ways to keep most of a structure."""

    @abstractmethod
    def legality(self, kept: NDArray[np.bool_], generator: np.random.Generator) -> Legality:
        """Masks of n rows; those of `kept` [n] keep a random part of the structure that is most of
        it, the others are free."""


@dataclass(frozen=True)
class LinearTarget:
    """A property that an auxiliary field of the schema predicts linearly.

    Attributes:
        field: the auxiliary field.
        component: of the field's vector.
        mean, standard_deviation: that standardised it.
    """

    field: str
    component: int
    mean: float
    standard_deviation: float


class GuidedKind(Kind, Protocol):
    """What conditions ask of their kind of matter."""

    @property
    def properties(self) -> Properties: ...

    @property
    def reader(self) -> Reader: ...


class Guide(MatterPart):
    """Conditions that make sense for every kind of matter; a kind that knows more overrides."""

    matter: GuidedKind

    size_property: ClassVar[str | None] = None
    """Name of the property that is a structure's size."""
    size_unit: ClassVar[str] = ""
    Options: ClassVar[type[Settings]] = Settings
    """Conditions that only this kind of matter knows, with defaults that ask for nothing."""
    nearness: ClassVar[tuple[str, Window]] = ("similarity", Window(low=0.4, high=0.8))
    """What tells how near a structure is to another one, and where it lies if nobody says."""
    nearer: ClassVar[int] = 1
    """Sign of a change of that when structures get nearer."""
    predicted: ClassVar[tuple[str, ...]] = ()
    """Properties that nothing but a model's auxiliary fields tells."""

    def read(self, text: str, where: str) -> str:
        """Structure string of what a person gave.

        Raises:
            SettingsError: not a structure; `where` names the option.
        """
        raise self._unable(where)

    def options(self, conditions: ConditionSettings) -> Any:
        """`Options` as the conditions hold them.

        Raises:
            SettingsError: a key that neither these nor the common conditions know, or a value that
                cannot be; several that contradict each other.
        """
        given = conditions.model_extra or {}
        known = {*self.Options.model_fields, *ConditionSettings.model_fields}
        for key in given:
            if key not in known:
                raise SettingsError(
                    f"conditions: {key}: unknown key for {self.matter.name}; known keys: "
                    f"{', '.join(sorted(known))}"
                )
        return validate(self.Options, given, "conditions")

    def constraint(self, conditions: ConditionSettings, codec: Codec | None) -> Constraint | None:
        """What the decoder is made to keep, or None if that is nothing.

        Args:
            codec: of the model; None if only contradictions are looked for.

        Raises:
            SettingsError: contradictions, or what no structure that the codec holds can meet.
        """
        self.options(conditions)
        return None

    def window(self, conditions: ConditionSettings) -> Window:
        """Where the nearness to a lead shall lie."""
        return conditions.similarity or self.nearness[1]

    def near(self, structures: Sequence[str], reference: str) -> Columns:
        """How near structures are to a reference: `nearness` first, then what it is made of."""
        return {self.nearness[0]: self.similarities(structures, reference)}

    def similarities(self, structures: Sequence[str], reference: str) -> NDArray[np.float64]:
        """Similarity of structures to a reference, 0 to 1, [n]."""
        raise self._unable("similarity")

    def growth(self, text: str, codec: Codec | None, where: str) -> ScaffoldConstraint:
        """A part that every structure shall keep.

        Args:
            codec: of the model; None if only the text is to be checked.

        Raises:
            SettingsError: not such a part, or beyond the codec; `where` names the option.
        """
        raise self._unable(where)

    def variation(self, structure: str, codec: Codec) -> Variation | None:
        """Ways to keep most of a structure, or None if this kind of matter knows none."""
        return None

    def property_name(self, name: str) -> str | None:
        """The matter's own name of a property that a person wrote in any case, the first one that
        fits; None if there is none."""
        lowered = name.lower()
        return next(
            (own for own in self.matter.properties.descriptions() if own.lower() == lowered), None
        )

    def linear_targets(self, codec: Codec) -> dict[str, LinearTarget]:
        """Properties that the model's auxiliary fields predict, by name."""
        return {}

    def _unable(self, what: str) -> SettingsError:
        return SettingsError(f"{what}: not offered for {self.matter.name}")
