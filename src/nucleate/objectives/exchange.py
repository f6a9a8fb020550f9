"""Structures as a person's function or program gets them: SMILES or CIF text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.matter.base import Matter
from nucleate.objectives.property import Answer
from nucleate.settings.objectives import GivenSource


@dataclass(frozen=True)
class Written:
    """Structures, written.

    Attributes:
        texts: of those that could be written.
        kept: their positions.
        reasons: why the others could not, by position.
    """

    texts: list[str]
    kept: list[int]
    reasons: dict[int, str]


@dataclass(frozen=True)
class Exchange:
    """How structures are written.

    Attributes:
        key: what the text is called, e.g. `cif`; empty for the structure string itself.
        text: structure string -> text.
    """

    key: str
    text: Callable[[str], str]

    def write(self, structures: Sequence[str]) -> Written:
        """Texts of structures; one that cannot be written costs only itself."""
        written = Written([], [], {})
        for position, structure in enumerate(structures):
            try:
                written.texts.append(self.text(structure))
            except StructureError as error:
                written.reasons[position] = str(error)
            except Exception as error:  # a library's own failure on one odd structure
                written.reasons[position] = f"{type(error).__name__}: {error}"
            else:
                written.kept.append(position)
        return written

    def answers(
        self, structures: Sequence[str], answer: Callable[[Sequence[str]], Sequence[Answer]]
    ) -> list[Answer]:
        """One answer per structure from what answers texts."""
        written = self.write(structures)
        given = answer(written.texts) if written.texts else []
        found = dict(zip(written.kept, given, strict=True))
        found |= {place: Answer.failed(reason) for place, reason in written.reasons.items()}
        return [found[position] for position in range(len(structures))]

    def features(
        self, function: Callable[[Sequence[str]], Any]
    ) -> Callable[[Sequence[str]], NDArray[Any]]:
        """A function of texts as one of structure strings; NaN rows where there is no text."""

        def rows(structures: Sequence[str]) -> NDArray[Any]:
            written = self.write(structures)
            found = np.asarray(function(written.texts), np.float32)
            if not written.reasons or found.ndim != 2 or len(found) != len(written.kept):
                return found  # complete, or not to be mended: the caller says what is wrong
            whole = np.full((len(structures), found.shape[1]), np.nan, np.float32)
            whole[written.kept] = found
            return whole

        return rows


def exchange_of(matter: Matter, source: GivenSource) -> Exchange:
    """How a source's key `as` wants structures to be written."""
    if source.given_as == "structure":
        return Exchange("", str)
    return Exchange(matter.export.exchange_key or matter.structure_column, matter.export.exchange)
