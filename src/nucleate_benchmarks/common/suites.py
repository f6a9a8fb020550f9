"""The frame of a benchmark of several suites: sections, and a report kept up to date."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from nucleate.latent.latent_model import LatentModel
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.common.figures import Section

Echo = Callable[[str], object]


class SuiteBenchmark(ABC):
    """One run over suites; what several of them need is made once by the subclass.

    Args:
        echo: told what is being done.
        finished: given each section when it is complete.

    Attributes:
        title: of the report.
        sections: those that are complete.
        details: of the JSON file alone.
    """

    title: ClassVar[str]

    def __init__(self, echo: Echo, finished: Callable[[Section], None]):
        self.echo, self.finished = echo, finished
        self.sections: list[Section] = []
        self.details: dict[str, Any] = {}

    @abstractmethod
    def suites(self) -> Mapping[str, Callable[[], None]]:
        """Return what measures each suite, by name."""

    @abstractmethod
    def head(self, command: str) -> dict[str, Any]:
        """Return everything that a figure must carry besides itself."""

    @abstractmethod
    def load(self) -> None:
        """Read what is needed: before hours of work, what cannot be read is said at once."""

    def add(self, section: Section) -> None:
        """Keep a section and tell of it."""
        self.sections.append(section)
        self.finished(section)

    def run(
        self, chosen: Sequence[str], out: Path, command: str
    ) -> tuple[dict[str, Any], list[Path]]:
        """Measure suites, and write `OUT.json` and `OUT.md` whenever a section is complete.

        Args:
            command: the line that people can repeat.

        Returns:
            What the JSON file holds, and both paths.

        Raises:
            ResultsError: the files cannot be written.
        """
        paths: list[Path] = []
        tell = self.finished

        def keep(section: Section) -> None:
            head = self.head(command)
            paths[:] = figures.write(out, self.title, head, self.sections, self.details)
            tell(section)

        self.finished = keep
        self.load()
        for suite in dict.fromkeys(chosen):
            self.suites()[suite]()
        head = self.head(command)
        return {**head, "sections": [asdict(s) for s in self.sections]}, paths


def model_facts(name: str, model: LatentModel) -> dict[str, Any]:
    """Return what a report's head says of a model."""
    return {
        "name": name,
        "parameters": model.info.get("parameters"),
        "latent": model.size,
        **{f"sampling {k}": v for k, v in model.sampling().model_dump().items()},
    }
