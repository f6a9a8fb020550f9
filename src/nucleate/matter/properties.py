"""Numbers that can be computed for a structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Property:
    """A number that can be computed for a structure.

    Attributes:
        name: the field's own term.
        unit: e.g. `eV/atom`, empty if dimensionless.
        description: one line, with the source of the method.
        compute: list of n structure strings -> float64 [n]; NaN where it fails. Never raises for
            one bad structure.
        quick: milliseconds a structure at most: a screening computes it where it checks the
            structure, in its workers.
    """

    name: str
    unit: str
    description: str
    compute: Callable[[Sequence[str]], NDArray[np.float64]]
    quick: bool = field(default=False, kw_only=True)
