"""Report of searches over crystals: success by searcher, and what else the rows tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nucleate.core.files import write_json, write_text
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.search.latent_objectives import (
    ACCEPTABLE,
    FORMATION,
    BandGap,
    Density,
    FormationEnergy,
    Objective,
)
from nucleate_benchmarks.search.latent_run import JUDGED

TITLE = "Benchmark: latent search over crystals"
KINDS: dict[str, type[Objective]] = {k.name: k for k in (FormationEnergy, Density, BandGap)}
Rows = Sequence[Mapping[str, Any]]
Found = Mapping[str, Mapping[str, Rows]]


def _median(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    odd = len(ordered) % 2
    return ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) / 2


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def gain(row: Mapping[str, Any]) -> float | None:
    """How much nearer to its goal the best valid novel judged crystal is than the start, in the
    objective's unit; None without one."""
    target, before = row["target"], row["before"]
    good = [j["judged"] for j in row["judged"] if j["valid"] and j["novel"]]
    if not good:
        return None
    if target is None:
        return float(before - min(good))
    return float(abs(before - target) - min(abs(value - target) for value in good))


def summary(rows: Rows) -> dict[str, Any]:
    """Figures of one searcher on one objective.

    Shares are of all starts done; `error` is the standard error of `success`.
    """
    n = len(rows)
    if not n:
        return {"starts": 0}
    success = sum(row["success"] for row in rows) / n
    gains = [value for row in rows if (value := gain(row)) is not None]
    first = [
        min(j["call"] for j in row["judged"] if j["reached"] and j["valid"] and j["novel"])
        for row in rows
        if row["success"]
    ]
    origins = Counter(
        j["origin"]
        for row in rows
        for j in row["judged"]
        if j["reached"] and j["valid"] and j["novel"]
    )
    calls = sum(row["calls"] for row in rows)
    return {
        "starts": n,
        "success": success,
        "error": math.sqrt(success * (1 - success) / n),
        "success, known crystals counted": sum(row["success_known"] for row in rows) / n,
        "as asked, not relaxed": sum(row["asked_reached"] for row in rows) / n,
        "median gain": _median(gains),
        "with a valid novel crystal": len(gains) / n,
        "median call": _median(first),
        "calls": calls / n,
        "acceptable": sum(row["valid"] for row in rows) / max(1, calls),
        "search, s": _mean([row["search_seconds"] for row in rows]),
        "judge, s": _mean([row["judge_seconds"] for row in rows]),
        "failed": sum("error" in row for row in rows),
        "origins": dict(origins.most_common()),
    }


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _section(objective: str, by_sampler: Mapping[str, Mapping[str, Any]], asked: int) -> list[str]:
    kind = KINDS[objective]
    columns = [
        "success, known crystals counted",
        "as asked, not relaxed",
        "median gain",
        "with a valid novel crystal",
        "median call",
        "calls",
        "acceptable",
        "search, s",
        "judge, s",
        "failed",
    ]
    rows = []
    for sampler, one in by_sampler.items():
        if not one["starts"]:
            rows.append([sampler, "-", "0", *["-"] * (len(columns) + 1)])
            continue
        starts = f"{one['starts']}" + ("" if one["starts"] >= asked else f" of {asked}")
        success = f"{figures.number(one['success'])} ± {one['error']:.2g}"
        whole = max(1, sum(one["origins"].values()))
        origins = ", ".join(f"{k} {100 * v / whole:.0f}" for k, v in one["origins"].items())
        values = [figures.number(one[name]) for name in columns]
        rows.append([sampler, success, starts, *values, origins or "-"])
    title = objective.replace("_", " ").capitalize()
    note = (
        f"Success: of the {JUDGED} best novel crystals of a search one is, after relaxation, valid "
        f"(0.5 A, SMACT smact14), matched by no crystal of the data, and {kind.goal}. The gain is "
        f"in {kind.unit}, of the best such crystal against the relaxed start"
    )
    note += "." if objective == FORMATION else ", towards the target."
    header = ["sampler", "success", "starts", *columns, "origins, %"]
    return [f"## {title}", "", note, "", *_table(header, rows)]


def markdown(head: Mapping[str, Any], found: Found) -> str:
    """The report for people."""
    codes = {row["code"] for rows in found.values() for part in rows.values() for row in part}
    ran = {"code of the searches": ", ".join(sorted(codes))} if codes else {}
    lines = [figures.markdown(TITLE, {**head, **ran}, [])]
    lines += [
        f"Crystals that are not acceptable ({ACCEPTABLE}) cost a call and have no value. "
        "`best-of-data`: random training crystals, none of which is novel. `as asked`: the best "
        "crystal asked, known or not, beside the start, both as they are. `origins`: what made the "
        "crystals that reached the goal. `failed`: searchers that raised errors. After ±: standard "
        "error.",
        "",
    ]
    for objective, rows in found.items():
        by_sampler = {sampler: summary(part) for sampler, part in rows.items()}
        lines += _section(objective, by_sampler, head["starts"])
    return "\n".join(lines).rstrip() + "\n"


def write(out: Path, head: Mapping[str, Any], found: Found) -> tuple[dict[str, Any], list[Path]]:
    """Write `OUT.json`, `OUT.md` and a line a search in `OUT.csv`, each atomically.

    Args:
        found: rows by objective and searcher.

    Returns:
        What the JSON file holds, with all rows, and the paths.

    Raises:
        ResultsError: they cannot be written.
    """
    stem = out.with_suffix("") if out.suffix in (".json", ".md") else out
    paths = [stem.with_name(stem.name + ending) for ending in (".json", ".md", ".csv")]
    plain = {
        **head,
        "results": {
            objective: {sampler: summary(part) for sampler, part in rows.items()}
            for objective, rows in found.items()
        },
    }
    write_json(paths[0], plain)
    write_text(paths[1], markdown(head, found))
    write_text(paths[2], _searches(found))
    return {**plain, "rows": {objective: dict(rows) for objective, rows in found.items()}}, paths


def _searches(found: Found) -> str:
    """A line a search: what it started from, and the best that was judged after relaxation."""
    searches = []
    for objective, rows in found.items():
        for sampler, part in rows.items():
            for row in part:
                plain = {k: v for k, v in row.items() if k not in ("judged", "code")}
                best: dict[str, Any] = next(iter(row.get("judged") or ()), {})
                judged = {f"best_{k}": v for k, v in best.items()}
                searches.append({"objective": objective, "sampler": sampler, **plain, **judged})
    return pd.DataFrame(searches).to_csv(index=False, float_format="%.6g", lineterminator="\n")
