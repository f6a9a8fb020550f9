"""What generation under conditions asks of a kind of matter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nucleate.errors import SettingsError
from nucleate.matter import Codec, Matter
from nucleate.vae.legality import Legality


class Growth(ABC):
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


class Guide:
    """Conditions that make sense for every kind of matter; a kind that knows more overrides.

    Args:
        matter: the kind of matter.
    """

    size_property: ClassVar[str | None] = None
    """Name of the property that is a structure's size."""
    size_unit: ClassVar[str] = ""

    def __init__(self, matter: Matter):
        self.matter = matter

    def read(self, text: str, where: str) -> str:
        """Structure string of what a person gave.

        Raises:
            SettingsError: not a structure; `where` names the option.
        """
        raise self._unable(where)

    def similarities(self, structures: Sequence[str], reference: str) -> NDArray[np.float64]:
        """Similarity of structures to a reference, 0 to 1, [n]."""
        raise self._unable("similarity")

    def growth(self, text: str, codec: Codec | None, where: str) -> Growth:
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
        return next((own for own in self.matter.properties() if own.lower() == lowered), None)

    def linear_targets(self, codec: Codec) -> dict[str, LinearTarget]:
        """Properties that the model's auxiliary fields predict, by name."""
        return {}

    def _unable(self, what: str) -> SettingsError:
        return SettingsError(f"{what}: not offered for {self.matter.name}")
