"""Latent vectors that know which structures were refused, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Latents(np.ndarray[Any, np.dtype[np.float32]]):
    """Latent vectors, float32 [n, D]: an array, whose rows of NaN have a reason.

    What is computed or taken from it is a plain array.

    Attributes:
        structures: the structure of each row in canonical form; None where it was refused.
        reasons: why, in the same order; empty where it was not.
        notes: what was decided or left out on reading each: `left out sodium`.
        matter_name: kind of matter of the structures.
    """

    structures: Sequence[str | None] = ()
    reasons: Sequence[str] = ()
    notes: Sequence[tuple[str, ...]] = ()
    matter_name: str = ""

    @classmethod
    def of(
        cls,
        values: NDArray[np.float32],
        structures: Sequence[str | None],
        reasons: Sequence[str],
        matter_name: str = "",
        notes: Sequence[tuple[str, ...]] = (),
    ) -> Latents:
        """Make one of an array [n, D], n structures and n reasons."""
        made = np.asarray(values, np.float32).view(cls)
        made.structures, made.reasons = tuple(structures), tuple(reasons)
        made.matter_name, made.notes = matter_name, tuple(notes)
        return made

    @property
    def latents(self) -> NDArray[np.float32]:
        """The same as a plain array."""
        return self.view(np.ndarray)

    def __getitem__(self, key: Any) -> Any:
        return self.view(np.ndarray)[key]

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array.view(np.ndarray)
