"""Check that a molecule has a plausible shape in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from nucleate.config import Settings
from nucleate.matter import Candidate, Check, Verdict
from nucleate.molecules.conformer import EmbedTask, embeds
from nucleate.parallel import map_ordered

_WORTH_WORKERS = 100  # molecules; below, starting processes takes longer than the work


class EmbeddingOptions(Settings):
    attempts: Annotated[int, Field(ge=1)] = 10
    """Starts of the embedding per molecule."""
    seconds: Annotated[int, Field(ge=1)] = 5
    """Time per molecule."""
    limit: Annotated[int, Field(ge=1)] = 300
    """Most candidates that are embedded, the best ones; the others fail with that reason."""


class EmbeddingCheck(Check):
    """Distance geometry (ETKDG version 3, Wang et al. 2020) finds coordinates."""

    name = "embedding"
    description = "three-dimensional coordinates can be found by distance geometry (ETKDGv3)"
    Options = EmbeddingOptions
    # It keeps the best only (`limit`), so that candidates need their scores from here on.
    expensive = True

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        options = self.options
        tasks = [
            EmbedTask(c.structure, options.attempts, options.seconds, self.context.seed + i)
            for i, c in enumerate(candidates[: options.limit])
        ]
        processes = self.context.processes if len(tasks) >= _WORTH_WORKERS else 1
        verdicts = [
            Verdict(True, "embedded")
            if done
            else Verdict(
                False,
                "none",
                f"no coordinates in {options.attempts} attempts or {options.seconds} s",
            )
            for done in map_ordered(embeds, tasks, processes=processes)
        ]
        beyond = Verdict(
            False, "not tried", f"only the best {options.limit} candidates are embedded (`limit`)"
        )
        return verdicts + [beyond] * (len(candidates) - len(tasks))
