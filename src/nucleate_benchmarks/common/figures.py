"""A benchmark's figures with what must stand beside them, as JSON, Markdown and on the terminal."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nucleate.core.environment import package_versions, processor
from nucleate.core.files import code_version, write_json, write_text
from nucleate.core.parallel import default_processes

LIBRARIES = ("torch", "rdkit", "numpy", "scipy", "fcd_torch", "pymatgen", "smact", "chgnet")


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured.
        value: mean over the seeds; NaN where it cannot be had.
        n: molecules (or pairs) that it rests on.
        seeds: how many seeds it is the mean of.
        deviation: standard deviation over the seeds (n - 1); None for one seed.
        controls: by name, the same number of what no model made.
        note: how it was measured, where the name does not say.
        error: standard error; None where it was not estimated.
    """

    name: str
    value: float
    n: int
    seeds: int = 1
    deviation: float | None = None
    controls: dict[str, float] = field(default_factory=dict)
    note: str = ""
    error: float | None = None


@dataclass(frozen=True)
class Section:
    """Figures that share their controls."""

    title: str
    figures: list[Figure]
    note: str = ""

    def control_names(self) -> list[str]:
        """Controls that any of the figures has, in order of appearance."""
        return list(dict.fromkeys(name for f in self.figures for name in f.controls))


def combined(
    runs: Sequence[Mapping[str, float]],
    n: int,
    controls: Mapping[str, Mapping[str, float]],
    notes: Mapping[str, str] | None = None,
) -> list[Figure]:
    """Figures from one table of numbers per seed.

    Args:
        runs: by name, one mapping per seed.
        controls: by control, a table of the same names.
    """
    figures = []
    for name in runs[0]:
        values = [run[name] for run in runs]
        mean = sum(values) / len(values)
        spread = None
        if len(values) > 1:
            spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
        beside = {c: table[name] for c, table in controls.items() if name in table}
        note = (notes or {}).get(name, "")
        figures.append(Figure(name, mean, n, len(values), spread, beside, note))
    return figures


def surroundings(command: str) -> dict[str, Any]:
    """Command, date, code and machine, for the head of a report."""
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "code": code_version(),
        "machine": {
            "processor": processor(),
            "cores": default_processes(),
            "system": platform.platform(),
            "python": platform.python_version(),
            **package_versions(LIBRARIES),
        },
    }


def number(value: float | None) -> str:
    """Four significant digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _cells(figure: Figure, controls: Sequence[str]) -> list[str]:
    value = number(figure.value)
    spread = figure.error if figure.deviation is None else figure.deviation
    if spread is not None and math.isfinite(spread):
        value += f" ± {spread:.2g}"
    return [
        figure.name,
        value,
        *(number(figure.controls.get(name)) for name in controls),
        f"{figure.n:,}",
        str(figure.seeds),
        figure.note,
    ]


def _header(section: Section) -> list[str]:
    return ["figure", "value", *section.control_names(), "n", "seeds", "how"]


def markdown(title: str, head: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """A report for people: the head's lines, then one table per section."""
    lines = [f"# {title}", "", "Written by the command below; do not edit by hand.", ""]
    lines += [f"    {head['command']}", ""]
    for key, value in head.items():
        if key == "command":
            continue
        shown = value
        if isinstance(value, Mapping):
            shown = ", ".join(f"{k} {v}" for k, v in value.items() if v not in ("", None))
        lines.append(f"- {key}: {shown}")
    for section in sections:
        columns = _header(section)
        lines += ["", f"## {section.title}", ""]
        lines += [section.note, ""] if section.note else []
        lines.append("| " + " | ".join(columns) + " |")
        lines.append("|" + "---|" * len(columns))
        for figure in section.figures:
            cells = _cells(figure, section.control_names())
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write(
    out: Path, title: str, head: Mapping[str, Any], sections: Sequence[Section], details: Any
) -> list[Path]:
    """Write `OUT.json` and `OUT.md`, each atomically.

    Raises:
        ResultsError: they cannot be written.
    """
    stem = out.with_suffix("") if out.suffix in (".json", ".md") else out
    paths = [stem.with_name(stem.name + ending) for ending in (".json", ".md")]
    plain = {**head, "sections": [asdict(section) for section in sections], "details": details}
    write_json(paths[0], plain)
    write_text(paths[1], markdown(title, head, sections))
    return paths


def show(console: Console, section: Section) -> None:
    """Print a section as a table, without the notes that only the files carry."""
    table = Table(title=section.title, title_justify="left", title_style="bold")
    columns = _header(section)[:-1]
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right")
    for figure in section.figures:
        table.add_row(*_cells(figure, section.control_names())[:-1])
    console.print(table)
    if section.note:
        console.print(section.note, markup=False)
