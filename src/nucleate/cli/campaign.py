"""The commands of the closed loop: what to make and measure, and what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucleate.cli.common import (
    JsonFile,
    LoopDevice,
    Mirror,
    StructureColumn,
    console,
    write_results,
)
from nucleate.core.errors import InputError, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from nucleate.campaign.campaign import Campaign

Study = Annotated[Path, typer.Argument(metavar="STUDY", help="A study's TOML, or its folder.")]
Number = Annotated[int, typer.Option("-n", "--number", min=1, help="Structures.")]
Withdraw = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", help="Give up this proposal (P0001) instead. May be repeated."),
]
Reason = Annotated[str, typer.Option(help="Why they are withdrawn, for the record.")]
Results = Annotated[
    Path | None, typer.Argument(metavar="[RESULTS]", help="Measurements: CSV, TSV or parquet.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Instead of values told before.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Make Optuna's study anew first.")]


def propose(
    study: Study,
    number: Number = 24,
    withdraw: Withdraw = None,
    reason: Reason = "",
    mirror: Mirror = None,
    device: LoopDevice = None,
    json_file: JsonFile = None,
) -> None:
    """Propose structures to be made and measured, or computed elsewhere.

    Writes OUT/proposals/batch-001.csv with empty columns for the results, and the structures in the
    field's own formats. Proposals wait as long as it takes; none is made twice.

    Example: nucleate propose study.toml -n 24
    """
    from nucleate.cli.show.campaign import show_batch
    from nucleate.stages.campaign import open_campaign

    shown = console(json_file)
    with open_campaign(study, device=device, mirror=mirror) as campaign:
        _notes(shown, campaign)
        if withdraw:
            gone = campaign.withdraw(withdraw, reason)
            shown.print(f"Withdrawn: {', '.join(gone) or 'nothing that was not before'}.")
            write_results(json_file, {"withdrawn": gone})
            return
        batch = campaign.propose(number)
        show_batch(shown, campaign, batch, number)
        results = {
            "batch": batch.number,
            "table": str(campaign.table(batch)),
            "proposals": [p.to_json() for p in batch.proposals],
        }
        write_results(json_file, results)


def tell(
    study: Study,
    results: Results = None,
    replace: Replace = False,
    rebuild: Rebuild = False,
    structure_column: StructureColumn = None,
    mirror: Mirror = None,
    device: LoopDevice = None,
    json_file: JsonFile = None,
) -> None:
    """Tell a study what was measured; the next batch learns from it.

    Rows are known by proposal_id or by their structure in any spelling; structures that were never
    proposed are taken as your own. Results may come in part, late and twice. A cell is a number, a
    bound (>10, <0.1), `failed`, or empty.

    Example: nucleate tell study.toml results.csv
    """
    from nucleate.cli.show.campaign import show_telling, telling_results
    from nucleate.stages.campaign import open_campaign

    if results is None and not rebuild:
        raise SettingsError("tell needs RESULTS, a table of measurements")
    if results is not None and not results.is_file():  # before a model is loaded
        raise InputError("no such file", file=results)
    shown = console(json_file)
    with open_campaign(study, device=device, mirror=mirror, rebuild=rebuild) as campaign:
        _notes(shown, campaign)
        if rebuild:
            told = len(campaign.measurements.entries)
            shown.print(f"Made {campaign.folder}'s study anew from {told:,} lines.", markup=False)
        if results is None:
            return
        telling = campaign.tell(results, replace=replace, structure_column=structure_column)
        show_telling(shown, campaign, telling)
        write_results(json_file, telling_results(telling))
    if not telling.entries and not telling.known:
        why = telling.rejected[0][1] if telling.rejected else "no row has a value"
        where = f"; see {telling.rejected_file}" if telling.rejected_file else ""
        raise InputError(f"nothing was taken: {why}{where}", file=results)


def study(
    study: Study, mirror: Mirror = None, device: LoopDevice = None, json_file: JsonFile = None
) -> None:
    """Show where a study of proposals and measurements stands.

    Example: nucleate study results/study
    """
    from nucleate.campaign.status import status
    from nucleate.cli.show.campaign import show_status
    from nucleate.stages.campaign import open_campaign

    shown = console(json_file)
    with open_campaign(study, device=device, mirror=mirror) as campaign:
        found = status(campaign)
        show_status(shown, campaign, found)
        write_results(json_file, found)


def _notes(out: Console, campaign: Campaign) -> None:
    for note in campaign.notes:
        out.print(f"Note: {note}.", markup=False)
