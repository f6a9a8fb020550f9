"""Part of a kind of matter: numbers that can be computed for a structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.core.spelling import near
from nucleate.matter.part import MatterPart
from nucleate.settings.objectives import PropertySettings


@dataclass(frozen=True)
class Property:
    """A number that can be computed for a structure.

    Attributes:
        name: the field's own term.
        unit: e.g. `eV/atom`, empty if dimensionless.
        description: one line, with the source of the method.
        compute: list of n structure strings -> float64 [n]; NaN where it fails. Never raises for
            one bad structure.
        is_cheap: milliseconds a structure at most: a screening computes it where it checks the
            structure, in its workers.
    """

    name: str
    unit: str
    description: str
    compute: Callable[[Sequence[str]], NDArray[np.float64]]
    is_cheap: bool = field(default=False, kw_only=True)


class Properties(MatterPart):
    """Properties by name: those of `table`, or whatever `descriptions` and `build` say."""

    def table(self) -> Mapping[str, Property]:
        """Properties that take no arguments, by name."""
        return {}

    def descriptions(self) -> dict[str, str]:
        """Name -> one-line description of every property that `build` makes."""
        return {name: own.description for name, own in self.table().items()}

    def usual(self) -> list[str]:
        """Names of the properties that a listing shows; all if not overridden."""
        return list(self.descriptions())

    def build(self, name: str, arguments: Mapping[str, Any]) -> Property:
        """A property by name.

        Raises:
            SettingsError: unknown name (the message lists the known ones) or argument.
        """
        known = self.table()
        if name not in known:
            meant = near(name, known)
            hint = f" (did you mean {' or '.join(meant)}?)" if meant else ""
            raise SettingsError(
                f"no property named {name!r} for {self.matter.name}{hint}; known: "
                f"{', '.join(known) or 'none'}"
            )
        if arguments:
            raise SettingsError(
                f"property {name!r} takes no arguments, got {', '.join(sorted(arguments))}"
            )
        return known[name]

    def default_objectives(self) -> tuple[PropertySettings, ...]:
        """What is optimised if the settings name nothing; empty demands that they do."""
        return ()
