"""The files of a screening."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nucleate.core.files import atomic_path, write_json
from nucleate.matter.base import Matter
from nucleate.objectives.objective import Objective
from nucleate.screening import candidate_tables as tables
from nucleate.screening import ranking
from nucleate.screening.funnel import NOT_JUDGED, Funnel

PROVENANCE = ("origin", "trial", "parent", "log_likelihood")


@dataclass(frozen=True)
class Names:
    """What columns are called.

    Attributes:
        checks: names of the funnel's checks.
    """

    checks: list[str]
    objective: Objective
    matter: Matter

    def score_columns(self) -> list[str]:
        """Columns of the objective."""
        names = [n for name in self.objective.names for n in (name, f"{name}_desirability")]
        return names + self.objective.extra_names

    def candidate_columns(self, rows: list[dict[str, Any]]) -> list[str]:
        """Columns of the candidates that are there even without rows, in order."""
        column = self.matter.structure_column
        described = (name for row in rows[:1] for name in self.matter.export.describe(row[column]))
        head = ["candidate_id", "rank", "score", "score_basis", column, *described]
        head += ranking.COLUMNS
        values = [f"{name}_value" for name in self.checks]
        values.append(NOT_JUDGED)
        return [*head, *self.score_columns(), *values, *PROVENANCE, "run", "latent"]

    def rejected_columns(self) -> list[str]:
        """Likewise of rejected rows."""
        head = [self.matter.structure_column, "rejected_by", "reason", "score"]
        return [*head, *self.score_columns(), *PROVENANCE, "latent"]


def write(
    out: Path, funnel: Funnel, matter: Matter, names: Names, run: str, embed: bool = False
) -> tuple[list[str], dict[str, Any]]:
    """Write all files of a screening.

    Args:
        run: digest of the stage's settings and inputs.
        embed: compute coordinates for every candidate (see `Export.write_candidates`).

    Returns:
        Names of the files, and the stage's metrics.
    """
    rows = tables.candidate_rows(funnel.candidates, matter, run)
    columns = names.candidate_columns(rows)
    tables.write_parquet(out / "candidates.parquet", rows, columns)
    tables.write_csv(out / "candidates.csv", rows, columns)
    files = ["candidates.parquet", "candidates.csv", *_write_rejected(out, funnel, names)]
    asked = {"embed": True} if embed else {}  # the writer of a plug-in may know no such thing
    for path in matter.export.write_candidates(out, rows, **asked):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        files += [file.relative_to(out).as_posix() for file in inside if file.is_file()]
    write_json(out / "funnel.json", [step.to_json() for step in funnel.steps])
    _write_funnel(out / "funnel.csv", funnel)
    metrics: dict[str, Any] = {
        "entered": funnel.steps[0].entered,
        "distinct": funnel.steps[0].passed,
        "candidates": len(rows),
        "not_judged": sum(bool(row.get(NOT_JUDGED)) for row in rows),
        "rejected": len(funnel.rejected),
        "best_score": rows[0]["score"] if rows else None,
        "rows/candidates.parquet": len(rows),
        "rows/candidates.csv": len(rows),
        "rows/rejected.parquet": len(funnel.rejected),
        "rows/rejected.csv": len(funnel.rejected),
        **funnel.reading.to_json(),
    }
    return list(dict.fromkeys([*files, "funnel.json", "funnel.csv"])), metrics


def _write_rejected(out: Path, funnel: Funnel, names: Names) -> list[str]:
    """All rejected rows, and those of each check that reports them apart."""

    def every(by: str | None = None) -> Iterator[dict[str, Any]]:
        for item in funnel.rejected:
            if by is None or item.rejected_by == by:
                yield {
                    names.matter.structure_column: item.candidate.structure or None,
                    **item.candidate.columns,
                    "rejected_by": item.rejected_by,
                    "reason": item.reason,
                }

    columns = names.rejected_columns()
    tables.write_stream(out / "rejected.parquet", out / "rejected.csv", every, columns)
    files = ["rejected.parquet", "rejected.csv"]
    for step in funnel.steps:
        if step.apart:
            own = list(every(step.check))
            tables.write_csv(out / f"{step.check}.csv", own, columns[:3])
            files.append(f"{step.check}.csv")
    return files


def _counts(reasons: dict[str, int]) -> str:
    return "; ".join(f"{count} x {reason}" for reason, count in reasons.items())


def _write_funnel(path: Path, funnel: Funnel) -> None:
    """The funnel as a table: a line for each check, its commonest reasons in the last column."""
    lines = [
        {
            "check": step.check,
            "description": step.description,
            "threshold": step.threshold,
            "entered": step.entered,
            "passed": step.passed,
            "not_judged": step.not_judged,
            "rejected": step.entered - step.passed - step.not_judged,
            "seconds": step.seconds,
            "reasons": _counts(step.reasons),
            "not_judged_for": _counts(step.not_judged_for),
        }
        for step in funnel.steps
    ]
    with atomic_path(path) as temporary:
        pd.DataFrame(lines).to_csv(temporary, index=False)
