"""Reconstruction: encode to the mean, decode greedily, compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.core.errors import InputError
from nucleate.core.files import write_json
from nucleate.core.progress import bar
from nucleate.datasets.count_rows import expected_rows
from nucleate.datasets.rows import StandardisedRow, payload_shown, standardise_row
from nucleate.datasets.sources import Source, resolve
from nucleate.latent.latent_model import LatentModel
from nucleate.matter.export import is_plain, write_csv
from nucleate.matter.reader import RawRow
from nucleate.matter.reading_notes import ReadingNotes, row_notes
from nucleate.settings.data import DatasetSettings
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.training.evaluation import evaluate

TABLE_NAME = "reconstructed.csv"


@dataclass(frozen=True)
class Rebuilt:
    """What became of a structure.

    Attributes:
        structure: what it was rebuilt as; None if nothing.
        exact: whether that is the same by the matter's own definition.
        reason: why nothing was rebuilt, else empty.
        refused: whether the schema cannot hold it, so that it was not even encoded.
    """

    structure: str | None
    exact: bool
    reason: str = ""
    refused: bool = False


def rebuild(
    model: LatentModel,
    structures: Sequence[str],
    *,
    refine: bool = False,
    inference_steps: int = 0,
) -> tuple[list[Rebuilt], RaggedArrays]:
    """Encode and decode structures; returns what became of each, and the arrays of those that the
    schema holds.

    Args:
        refine: whether what was decoded is refined as the model's samples are.
        inference_steps: see `LatentModel.encode`.
    """
    arrays, kept, refused = model.arrays(structures)
    found = {place: Rebuilt(None, False, str(error), True) for place, error in refused.items()}
    if kept:
        latents = model.encode_arrays(arrays, inference_steps)
        how = model.sampling() if refine else None
        answers = model.decode(latents, refine=how)
        shown = bar(answers, description="compare", unit="structure")
        for place, decoded in zip(kept, shown, strict=True):
            other = decoded.structure
            exact = other is not None and model.matter.identity.are_same(structures[place], other)
            found[place] = Rebuilt(other, exact, decoded.reason)
    return [found[place] for place in range(len(structures))], arrays


def exact_share(rebuilt: Sequence[Rebuilt]) -> float:
    """Share of structures that were rebuilt exactly; those that the schema refuses were not."""
    return sum(one.exact for one in rebuilt) / max(1, len(rebuilt))


def reconstruction_figures(
    model: LatentModel, structures: Sequence[str], *, refine: bool = False, inference_steps: int = 0
) -> tuple[dict[str, Any], list[Rebuilt]]:
    """Reconstruction figures, and what became of each structure.

    Structures that the schema refuses count against `exact_match`.

    Args:
        refine, inference_steps: see `rebuild`.

    Returns:
        `n`, `encoded`, `refused` by reason, `exact_match` (share of n whose rebuilt structure is
        the same by the matter's own definition), `decoded` (share of those encoded that decode to
        a structure), `token_accuracy` (teacher-forced), `loss` (nats per structure: `distortion`,
        `rate` and by field); the last two at the encoder's means, without those steps.
    """
    rebuilt, arrays = rebuild(model, structures, refine=refine, inference_steps=inference_steps)
    encoded = [one for one in rebuilt if not one.refused]
    refused = (one.reason.partition(":")[0] for one in rebuilt if one.refused)
    figures: dict[str, Any] = {
        "n": len(structures),
        "encoded": len(encoded),
        "refused": dict(Counter(refused)),
        "exact_match": exact_share(rebuilt),
    }
    if not encoded:
        return figures, rebuilt
    scores = evaluate(model.model, arrays, model.device)
    return {
        **figures,
        "decoded": sum(one.structure is not None for one in encoded) / len(encoded),
        "token_accuracy": scores.pop("token_accuracy"),
        "loss": scores,
    }, rebuilt


@dataclass(frozen=True)
class _Read:
    """A row of a file and what standardising made of it."""

    source: Source
    row: RawRow
    standard: StandardisedRow


def reconstruct(
    model_folder: Path,
    dataset: DatasetSettings,
    out: Path | None = None,
    *,
    refine: bool = False,
    inference_steps: int = 0,
    device: str = "auto",
    mirror: str | None = None,
) -> dict[str, Any]:
    """Measure a model on a file of structures, and write what it rebuilt.

    Rows are standardised as in featurizing, with default options; those that are refused are
    counted by reason and are not part of `n`.

    Args:
        out: folder for `reconstructed.csv` (every row of the file, in its order), the structures in
            the field's own format, and `summary.json`.
        refine, inference_steps: see `rebuild`.

    Raises:
        InputError: no row of the file is a structure.
    """
    model = LatentModel.load(model_folder, device)
    rows = _read(model, dataset, mirror)
    structures = [one.standard.structure for one in rows if one.standard.structure is not None]
    rejected = Counter(one.standard.reason for one in rows if one.standard.structure is None)
    if not structures:
        raise InputError(f"no usable structure: {_reasons(rows, rejected)}", file=dataset.label)
    figures, rebuilt = reconstruction_figures(
        model, structures, refine=refine, inference_steps=inference_steps
    )
    figures["rejected_rows"] = dict(rejected)
    reading = ReadingNotes()
    for one in rows:
        reading.add(one.row, one.standard.notes)
        if one.standard.structure is None:
            reading.reject(one.standard.reason, f"row {one.row.number}: {one.standard.detail}")
    figures |= reading.to_json()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        records = _records(rows, rebuilt, model.matter.structure_column)
        figures["file"] = str(write_csv(out / TABLE_NAME, list(records[0]), records))
        model.matter.export.write_reconstructions(out, records)
        write_json(out / "summary.json", figures)
    return figures


def _read(model: LatentModel, dataset: DatasetSettings, mirror: str | None) -> list[_Read]:
    """Every row of the files, in order."""
    options = model.matter.reader.resolve({}, "standardise")
    found = []
    sources = resolve(dataset, model.matter.name, mirror)
    with bar(description="read", total=expected_rows(sources), unit="row") as shown:
        for source in sources:
            for row in model.matter.reader.read_rows(source.path, source.settings):
                standard = standardise_row(model.matter, options, row)
                found.append(_Read(source, row, standard))
                shown.update()
    return found


def _reasons(rows: Sequence[_Read], rejected: Counter[str]) -> str:
    first: dict[str, str] = {}
    for one in rows:
        place = f"row {one.row.number}: {one.standard.detail}"
        first.setdefault(one.standard.reason, place)
    counted = (f"{n} x {reason} ({first[reason]})" for reason, n in rejected.most_common())
    return "; ".join(counted) or "no rows"


def _records(
    rows: Sequence[_Read], rebuilt: Sequence[Rebuilt], column: str
) -> list[dict[str, Any]]:
    """The table: id, structure, what it became, why it became nothing, the person's own columns.

    `exact_match` is empty for rows that are no structure, whose text stands in `payload`.
    """
    several = len({one.source.name for one in rows}) > 1
    answers = iter(rebuilt)
    records = []
    for one in rows:
        row, standard = one.row, one.standard
        answer = None if standard.structure is None else next(answers)
        reason = f"{standard.reason}: {standard.detail}" if answer is None else answer.reason
        record: dict[str, Any] = {"source": one.source.name} if several else {}
        record |= {
            "row": row.number,
            "id": row.id,
            column: standard.structure,
            "reconstructed": None if answer is None else answer.structure,
            "exact_match": None if answer is None else answer.exact,
            "reason": reason.strip(": "),
            "payload": payload_shown(row) if answer is None else None,
            "notes": row_notes(row, standard.notes),
        }
        for name, value in _own(row).items():
            if str(record.get(name, "")) != str(value):  # as an id is
                record[f"given_{name}" if name in record else name] = value
        records.append(record)
    names = dict.fromkeys(name for record in records for name in record)
    return [{name: record.get(name) for name in names} for record in records]


def _own(row: RawRow) -> dict[str, Any]:
    """The person's own columns of a row: as they stand in the file, if the reader hands them on."""
    numbers = {name: row.unread.get(name, value) for name, value in row.properties.items()}
    cells = {} if row.error else row.cells  # which may stand in wrong columns
    return numbers | {name: value for name, value in cells.items() if name and is_plain(value)}
