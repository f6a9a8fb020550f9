"""The closed loop on the terminal: batches, what was taken of a table, where a study stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nucleate.cli.show.terminal_tables import table
from nucleate.report.formatting import number, percent, words

if TYPE_CHECKING:
    from rich.console import Console

    from nucleate.campaign.batches import Batch
    from nucleate.campaign.campaign import Campaign
    from nucleate.campaign.telling import Telling
    from nucleate.datasets.tabular import Row

SHOWN = 12
"""Rows of a table at most."""
_WIDE = 60


def show_batch(out: Console, campaign: Campaign, batch: Batch, wanted: int) -> None:
    """A batch, where it is, and what to do next."""
    title = f"Batch {batch.number}: {len(batch.proposals)} structures"
    rows = []
    for p in batch.proposals[:SHOWN]:
        expected = "–" if p.expected is None else f"{number(p.expected)} ± {number(p.deviation)}"
        origin = words(p.proposal.origin) + (" (known)" if p.known else "")
        rows.append((p.id, _short(p.structure), origin, expected, number(p.similarity)))
    out.print(table(("id", "structure", "made by", "expected", "nearest told"), rows, title))
    if len(batch.proposals) > SHOWN:
        out.print(f"... and {len(batch.proposals) - SHOWN} more")
    if len(batch.proposals) < wanted:
        out.print(f"The search has no more than {len(batch.proposals)} of {wanted} to propose.")
    path = campaign.table(batch)
    if batch.told == 0:
        out.print("Nothing is measured yet: these are structures that the study starts from.")
    out.print(f"\nWritten to {path} and {path.with_suffix('')}", markup=False)
    columns = ", ".join(campaign.scoring.columns)
    out.print(
        f"Next: fill in {columns}, then nucleate tell {campaign.folder} {path}",
        markup=False,
    )


def show_telling(out: Console, campaign: Campaign, telling: Telling) -> None:
    """What was taken of a table, what was not, and what to do next."""
    values = sum(entry.kind == "value" for entry in telling.entries)
    failures = len(telling.entries) - values
    bounds = sum(bool(entry.bound) for entry in telling.entries)
    own = f", {len(telling.own)} of them your own" if telling.own else ""
    out.print(
        f"Taken: {values} values{f' ({bounds} of them bounds)' if bounds else ''} and {failures} "
        f"failures of {len(telling.structures)} structures{own}.",
        markup=False,
    )
    if telling.known:
        out.print(f"Told before: {telling.known} values; they count once.")
    if telling.empty:
        out.print(f"Without a value yet: {telling.empty} rows.")
    for line in _remarks(telling):
        out.print(line, markup=False)
    if telling.rejected:
        first, why = telling.rejected[0]
        out.print(
            f"Rejected: {len(telling.rejected)} rows; {first.place}: {why}. All of them: "
            f"{telling.rejected_file}",
            markup=False,
        )
    complete = len(campaign.scoring.complete(campaign.measurements))
    out.print(f"{complete} structures are complete.")
    out.print(f"Next: nucleate propose {campaign.folder}", markup=False)


def telling_results(telling: Telling) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "values": sum(entry.kind == "value" for entry in telling.entries),
        "failures": sum(entry.kind == "failed" for entry in telling.entries),
        "structures": telling.structures,
        "own": telling.own,
        "told_before": telling.known,
        "empty": telling.empty,
        "altered": [
            {**_place(row), "given": given, "structure": structure}
            for row, given, structure in telling.altered
        ],
        "far": [
            {**_place(row), "column": entry.column, "value": entry.value, "median": median}
            for row, entry, median, _ in telling.far
        ],
        "rejected": [{**_place(row), "reason": why} for row, why in telling.rejected],
        "rejected_file": None if telling.rejected_file is None else str(telling.rejected_file),
    }


def _place(row: Row) -> dict[str, int | None]:
    return {"row": row.number, "line": row.line or None}


def _remarks(telling: Telling) -> list[str]:
    """What was taken, but deserves a second look."""
    said = []
    if telling.altered:
        row, given, structure = telling.altered[0]
        many = len(telling.altered)
        said.append(
            f"Standardised to another structure: {many} {'row' if many == 1 else 'rows'}; "
            f"{row.place}: {_short(given)} counts as {_short(structure)}. The record has both."
        )
    if telling.far:
        row, entry, median, deviation = telling.far[0]
        many = len(telling.far)
        said.append(
            f"Far from the rest, but taken: {many} {'value' if many == 1 else 'values'}; "
            f"{row.place}: {entry.column} {number(entry.value)}, the median is {number(median)} "
            f"with a deviation of {number(deviation)}. Correct it with --replace if it is wrong."
        )
    return said


def show_status(out: Console, campaign: Campaign, found: dict[str, Any]) -> None:
    """Where a study stands."""
    counts = found["counts"]
    out.print(
        f"{campaign.folder}: {counts['complete']} complete, {counts['partial']} measured in part, "
        f"{counts['waiting']} waiting, {counts['failed']} failed, {counts['withdrawn']} withdrawn; "
        f"{counts['own']} are your own. {found['measurements']} values told"
        + (f", {found['censored']} of them bounds." if found["censored"] else "."),
        markup=False,
    )
    for note in found["notes"]:
        out.print(f"Note: {note}.", markup=False)
    if found["batches"]:
        names = ("number", "created", "proposals", "waiting", "told", "sampler")
        rows = [[str(batch[name]) for name in names] for batch in found["batches"]]
        out.print(table(names, rows, "Batches"))
    if found["best"]:
        properties = campaign.scoring.objective.names
        rows = [
            [
                row["id"] or "own",
                _short(row["structure"]),
                *(number(row[name]) for name in ("score", *properties)),
            ]
            for row in found["best"]
        ]
        out.print(table(("id", "structure", "score", *properties), rows, "Best so far"))
    waiting = found["waiting"]
    if waiting:
        shown = ", ".join(item["id"] for item in waiting[:SHOWN])
        more = f" and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
        out.print(f"Waiting, the first since {waiting[0]['since']}: {shown}{more}", markup=False)
    out.print(_expectations(found["expectations"]), markup=False)


def _expectations(found: dict[str, Any]) -> str:
    n = found["compared"]
    if not n:
        return "Expectations: no structure yet whose score was expected and then measured."
    text = (
        f"Expectations against measurements, {n} structures: rank correlation "
        f"{number(found['spearman'])}, RMSE {number(found['rmse'])} (always expecting their mean: "
        f"{number(found['rmse_of_mean'])}), within one deviation {percent(found['coverage'])} "
        "(68 % if the deviations were right and measurements without noise)."
    )
    return f"{text} So few say little." if found["little"] else text


def _short(structure: str) -> str:
    return structure if len(structure) <= _WIDE else structure[: _WIDE - 1] + "…"
