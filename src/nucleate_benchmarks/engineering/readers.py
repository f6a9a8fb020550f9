"""What readers make of crystals' texts: whether they are the crystals that were written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from nucleate.core.errors import InputError
from nucleate.core.parallel import default_processes
from nucleate.core.settings import Positive, Settings
from nucleate.datasets.sources import resolve
from nucleate.matter import registry
from nucleate.settings.data import DatasetSettings
from nucleate_benchmarks.common.figures import Section, surroundings, write

if TYPE_CHECKING:
    from nucleate_benchmarks.engineering.stated import Agreement


class ReaderSettings(Settings):
    """Whose crystals are written and read."""

    source: str = "mp20_binary_ternary"
    """Catalogue name or file of crystals."""
    count: Positive = 2000
    """Crystals, drawn at random."""
    stated: tuple[str, ...] = ()
    """Further sets of CIFs that are read whole and compared with what they state of themselves;
    `mp20_binary_ternary,mpts52/val` are such."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the draw and of the descriptions."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""
    mirror: str | None = None
    """Where catalogued sets are fetched from."""


def run(
    settings: ReaderSettings,
    out: Path,
    command: str,
    echo: Callable[[str], None] | None = None,
    finished: Callable[[Section], None] | None = None,
) -> tuple[dict[str, Any], list[Path]]:
    """Measure, and write `OUT.json` and `OUT.md`.

    Raises:
        NucleateError: the set cannot be read.
    """
    from nucleate_benchmarks.engineering import round_trips, stated

    matter = registry.get("crystals")
    files = resolve(DatasetSettings(source=settings.source), "crystals", settings.mirror)
    rows = [row for file in files for row in matter.reader.read_rows(file.path, file.settings)]
    count = min(settings.count, len(rows))
    chosen = np.random.default_rng(settings.seed).choice(len(rows), count, replace=False)
    if echo is not None:
        echo(f"{count} of {len(rows)} crystals of {settings.source}, in every form")
    found = round_trips.measure(
        [rows[place] for place in sorted(chosen.tolist())],
        settings.seed,
        settings.processes or default_processes(),
    )
    sections = [round_trips.section(found)]
    if finished is not None:
        finished(sections[0])
    details = {name: trips.failures[:50] for name, trips in found.items()}
    failed = {name: len(trips.failures) for name, trips in found.items() if trips.failures}
    if settings.stated:
        agreed = {name: _compare_stated(name, settings, echo) for name in settings.stated}
        sections.append(stated.section(agreed))
        if finished is not None:
            finished(sections[1])
        details |= {name: one.differences[:50] for name, one in agreed.items()}
        failed |= {name: len(one.differences) for name, one in agreed.items() if one.differences}
    shown = settings.model_dump(mode="json", exclude={"mirror"})
    results = {**surroundings(command), "settings": shown}
    paths = write(out, "Readers of crystals", results, sections, {"failures": details})
    return {**results, "failed": failed}, paths


def _compare_stated(
    name: str, settings: ReaderSettings, echo: Callable[[str], None] | None
) -> Agreement:
    """What the rows of a set are, against what they are said to be."""
    from nucleate_benchmarks.engineering import stated

    if echo is not None:
        echo(f"{name}, against what it states")
    matter = registry.get("crystals")
    files = resolve(DatasetSettings(source=name), "crystals", settings.mirror)
    rows = []
    for file in files:
        try:
            with_group = file.settings.model_copy(update={"properties": (stated.GROUP,)})
            rows += list(matter.reader.read_rows(file.path, with_group))
        except InputError:  # states no group
            rows += list(matter.reader.read_rows(file.path, file.settings))
    return stated.measure(rows, settings.processes or default_processes())
