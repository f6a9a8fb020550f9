"""PMO's report: AUC top-10 of our searchers beside published ones, and what else a run tells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nucleate.core.files import write_json, write_text
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.molecules.filters import filters_name
from nucleate_benchmarks.search.comparison import Cell, Comparison, _mean, published_table
from nucleate_benchmarks.search.pmo_auc import EVERY, MERIT, TOP, RunFigures
from nucleate_benchmarks.search.pmo_picture import picture
from nucleate_benchmarks.search.pmo_record import RunTask

TITLE = "Benchmark: practical molecular optimisation (PMO)"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" | ".join(header), "|".join(["---"] * len(header)), *(" | ".join(r) for r in rows)]
    return [f"| {lines[0]} |", f"|{lines[1]}|", *(f"| {line} |" for line in lines[2:]), ""]


def _three(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3f}"


def _shown(cell: Cell | None, asked: int) -> str:
    if cell is None:
        return "-"
    text = _three(cell.mean) + ("" if cell.deviation is None else f" ± {cell.deviation:.3f}")
    text += "" if cell.ended else "\\*"
    return text if cell.seeds == asked else f"{text} ({cell.seeds} of {asked} seeds)"


def _main_table(c: Comparison) -> list[str]:
    columns = [*c.samplers, *c.methods]
    rows = []
    for oracle in c.oracles:
        ours = [_shown(c.cell(sampler, oracle), len(c.seeds)) for sampler in c.samplers]
        rows.append([oracle, *ours, *(_three(c.value(m, oracle)) for m in c.methods)])
    common, every = c.common(), list(published_table()["oracles"])
    if common and set(common) != set(every):
        name = f"sum over {len(common)}" + ("" if common == c.oracles else ", done by all")
        rows.append([name, *(_three(c.total(column, common)) for column in columns)])
    sums = [_three(c.total(sampler, every)) for sampler in c.samplers]
    rows.append(
        ["sum over all 20", *sums, *(_three(published_table()["sums"][m]) for m in c.methods)]
    )
    header = ["oracle", *c.samplers, *(f"*{method}*" for method in c.methods)]
    return _table(header, rows)


def _below_main_table(c: Comparison) -> list[str]:
    lines = []
    open_runs = [run for run in c.runs if not run.ended]
    if open_runs:
        told = ", ".join(f"{r.sampler} {r.oracle} seed {r.seed}: {r.calls:,}" for r in open_runs)
        lines += [
            "\\* Unfinished: not all runs have ended; the last value of an unfinished one is held "
            f"up to the budget, as PMO does. Calls so far: {told}.",
            "",
        ]
    lacking: dict[tuple[str, ...], list[str]] = {}
    for sampler in c.samplers:
        lacking.setdefault(tuple(c.missing(sampler)), []).append(sampler)
    for missing, samplers in lacking.items():
        if missing:
            has = "has" if len(samplers) == 1 else "have"
            who, what = ", ".join(samplers), ", ".join(missing)
            lines += [f"{who} {has} not done {len(missing)} of the 20: {what}.", ""]
    if c.reason:
        return [*lines, f"Published figures must not stand beside these: {c.reason}.", ""]
    known = published_table()
    lines += ["Published, in italics:", ""]
    return [*lines, *(f"- {name}: {source}" for name, source in known["methods"].items()), ""]


def _wins_table(c: Comparison) -> list[str]:
    others = [*c.samplers, *c.methods]
    if len(others) < 2:
        return []
    rows = []
    for one in c.samplers:
        row = [one]
        for other in others:
            text = "{} of {}".format(*c.oracle_wins(one, other))
            if other in c.samplers:
                text += " ({} of {} runs)".format(*c.wins(one, other))
            row.append("" if one == other else text)
        rows.append(row)
    said = "On how many oracles the row's mean is better than the column's; in brackets, on how "
    said += "many pairs of runs of the same oracle and seed. Only what has ended counts."
    header = ["better than", *c.samplers, *(f"*{method}*" for method in c.methods)]
    return ["## Against each other", "", said, "", *_table(header, rows)]


def _others(run: RunFigures) -> dict[str, float | None]:
    return {
        **{f"final top-{k}": run.final[k] for k in TOP},
        **{f"AUC top-{k}": run.auc[k] for k in TOP if k != MERIT},
        "SA": run.molecules.sa,
        "diversity": run.molecules.diversity,
        filters_name(): run.molecules.passing,
        "min": run.minutes,
        "min in oracle": run.oracle_minutes,
        "peak GB": run.peak_memory_gb,
        "calls": run.calls,
    }


def _other_table(c: Comparison) -> list[str]:
    rows, names = [], list[str]()
    for oracle in c.oracles:
        for sampler in c.samplers:
            runs = c.of(sampler, oracle)
            if runs:
                parts = [_others(run) for run in runs]
                values = [_mean([part[name] for part in parts]) for name in parts[0]]
                rows.append([oracle, sampler, *map(figures.number, values), _origins(runs)])
                names = list(parts[0])
    said = (
        f"Means over seeds. SA (mean), diversity (1 - mean Tanimoto of ECFP4), {filters_name()} "
        "(share that passes) and origins (what made them, of 100) are of the best 100 structures."
    )
    header = ["oracle", "sampler", *names, "origins"]
    return ["## Final scores, structures, cost", "", said, "", *_table(header, rows)]


def _origins(runs: Sequence[RunFigures]) -> str:
    total = sum((Counter(run.origins) for run in runs), Counter[str]())
    whole = max(1, total.total())
    return ", ".join(f"{name} {100 * n / whole:.0f}" for name, n in total.most_common())


def markdown(
    head: Mapping[str, Any],
    comparison: Comparison,
    errors: Mapping[RunTask, str],
    picture: str,
) -> str:
    """The report for people."""
    c = comparison
    dates = sorted({run.date[:10] for run in c.runs if run.date})
    ran = {}
    if dates:
        ran["runs ended"] = " to ".join(dict.fromkeys([dates[0], dates[-1]]))
        ran["code of the runs"] = ", ".join(sorted({code for run in c.runs for code in run.code}))
    lines = [figures.markdown(TITLE, {**head, **ran}, [])]
    if errors:
        lines += ["## Runs that failed", ""]
        lines += [f"- {task.name}: {message}" for task, message in errors.items()] + [""]
    if not c.runs:
        return "\n".join([*lines, "No run has made a call yet.", ""])
    seeds = f"mean ± standard deviation over {len(c.seeds)} seeds, " if len(c.seeds) > 1 else ""
    said = (
        f"Of {head['budget']:,} calls: {seeds}the area under the mean score of the best ten "
        "(Gao et al., arXiv:2206.12411). Every distinct molecule is a call, also those that a "
        "search starts from."
    )
    lines += ["## AUC top-10", "", said, "", *_main_table(c), *_below_main_table(c)]
    lines += [f"![Mean of the best ten over calls]({picture})", ""]
    lines += [*_wins_table(c), *_other_table(c)]
    return "\n".join(lines).rstrip() + "\n"


def results(
    head: Mapping[str, Any], comparison: Comparison, errors: Mapping[RunTask, str]
) -> dict[str, Any]:
    """The report for machines."""
    c = comparison
    cells = {o: {s: c.cell(s, o) for s in c.samplers} for o in c.oracles}
    return {
        **head,
        "failed": {task.name: message for task, message in errors.items()},
        "auc_top_10": {
            oracle: {s: asdict(cell) for s, cell in row.items() if cell is not None}
            for oracle, row in cells.items()
        },
        "sums": {s: {"oracles": c.done(s), "sum": c.total(s, c.done(s))} for s in c.samplers},
        "not_done": {s: c.missing(s) for s in c.samplers},
        "wins": {
            one: {
                other: {"oracles": c.oracle_wins(one, other), "runs": c.wins(one, other)}
                for other in [*c.samplers, *c.methods]
                if other != one
            }
            for one in c.samplers
        },
        "published": {"not comparable": c.reason} if c.reason else published_table(),
        "curve_every": EVERY,
        "filters": filters_name(),
        "runs": [asdict(run) for run in c.runs],
    }


def write(
    out: Path, head: Mapping[str, Any], runs: Sequence[RunFigures], errors: Mapping[RunTask, str]
) -> tuple[dict[str, Any], list[Path]]:
    """Write `OUT.json`, `OUT.md` and `OUT.svg`, each atomically.

    Returns:
        What the JSON file holds, and the paths.

    Raises:
        ResultsError: they cannot be written.
    """
    stem = out.with_suffix("") if out.suffix in (".json", ".md", ".svg") else out
    paths = [stem.with_name(stem.name + ending) for ending in (".json", ".md", ".svg")]
    comparison = Comparison(runs, head)
    found = results(head, comparison, errors)
    write_json(paths[0], found)
    write_text(paths[1], markdown(head, comparison, errors, paths[2].name))
    write_text(paths[2], picture(comparison, head["budget"]))
    return found, paths
