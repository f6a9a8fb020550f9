"""Where candidates come from: draws of earlier stages, or a person's file."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nucleate.config import DatasetSettings
from nucleate.datasets import tables
from nucleate.datasets.rows import standardise_rows
from nucleate.datasets.sources import Source, resolve
from nucleate.matter import Candidate, Matter
from nucleate.parallel import default_processes
from nucleate.runs import Manifest
from nucleate.screening.funnel import Funnel, Rejected, Step, count_reasons

SAME = "equal to another, merged with it"
SMALL_BYTES = 100_000
"""Files below this size are read here: worker processes take seconds to start."""
_JOINED = ("origin", "source_id")


def from_draws(draws: Sequence[Manifest]) -> Funnel:
    """Candidates of the draws' parquet files, equal structures merged.

    Raises:
        ResultsError: a file is missing or damaged.
    """
    rows: list[dict[str, Any]] = []
    for manifest in draws:
        for output in manifest.outputs:
            if not output.name.endswith(".parquet"):
                continue
            rows += tables.read(manifest.path(output.name)).to_pylist()
    candidates = []
    refused = []
    for row in rows:
        structure = row.pop("structure", None)
        if structure is None:
            reason = str(row.get("reason") or "decoded to no structure")
            refused.append(Rejected(Candidate("", row), "draw", f"draw: {reason}"))
        else:
            candidates.append(Candidate(structure, row))
    return _merged(
        "draw", "Draws that decode to a structure; equal ones count once", candidates, refused
    )


def from_file(
    source: DatasetSettings, matter: Matter, folder: Path, mirror: str | None = None
) -> Funnel:
    """Candidates of a file or folder of structures, standardised with default options.

    Rows that are no structure become rejected rows.

    Args:
        folder: of the stage; holds chunks while reading.

    Raises:
        InputError: the file as a whole is unreadable, empty or lacks a named column.
    """
    sources = resolve(source, matter.name, mirror)
    with tempfile.TemporaryDirectory(prefix=".rows-", dir=folder) as chunks:
        table = standardise_rows(sources, matter, {}, Path(chunks), processes=_processes(sources))
    candidates = []
    refused = []
    for row in table.to_pylist():
        columns = {"origin": "file", "source_id": row["id"], "row": row["row"]}
        given = {k.removeprefix("property:"): v for k, v in row.items() if ":" in k}
        columns |= {f"given_{name}": value for name, value in given.items()}
        if row["reason"] is None:
            candidates.append(Candidate(row["structure"], columns))
            continue
        sentence = ": ".join(part for part in (row["reason"], row["detail"]) if part)
        columns["payload"] = row["payload"]
        refused.append(Rejected(Candidate("", columns), "standardise", sentence))
    return _merged(
        "standardise",
        "Rows that can be read and standardised; equal ones count once",
        candidates,
        refused,
    )


def _processes(sources: Sequence[Source]) -> int:
    small = all(s.path.is_file() for s in sources)
    small = small and sum(s.path.stat().st_size for s in sources) < SMALL_BYTES
    return 1 if small else default_processes()


def _merged(
    name: str, description: str, candidates: list[Candidate], refused: list[Rejected]
) -> Funnel:
    """The funnel's first step: refused rows leave, equal structures become one candidate."""
    kept: dict[str, Candidate] = {}
    for candidate in candidates:
        first = kept.setdefault(candidate.structure, candidate)
        if first is not candidate:
            kept[candidate.structure] = _join(first, candidate)
    step = Step(name, description, len(candidates) + len(refused), len(kept))
    step.reasons = count_reasons([item.reason for item in refused])
    if len(kept) < len(candidates):
        step.reasons[SAME] = len(candidates) - len(kept)
    return Funnel(list(kept.values()), list(refused), [step])


def _join(first: Candidate, second: Candidate) -> Candidate:
    """The scored one of two equal candidates, or the likelier, with the origins of both."""
    better, other = first, second
    if _merit(second) > _merit(first):
        better, other = second, first
    for column in _JOINED:
        parts = [
            part
            for candidate in (first, second)
            for part in str(candidate.columns.get(column) or "").split("+")
        ]
        if any(parts):
            better.columns[column] = "+".join(dict.fromkeys(part for part in parts if part))
    for column, value in other.columns.items():
        if better.columns.get(column) is None:
            better.columns[column] = value
    return better


def _merit(candidate: Candidate) -> tuple[bool, float]:
    likelihood = candidate.columns.get("log_likelihood")
    return candidate.columns.get("score") is not None, (
        -math.inf if likelihood is None else float(likelihood)
    )
