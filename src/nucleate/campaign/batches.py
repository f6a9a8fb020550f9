"""Batches of proposals: what was proposed, and the files in which a person gets it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nucleate.core.errors import ResultsError
from nucleate.core.files import atomic_folder, atomic_path, read_json, write_json
from nucleate.matter.base import Matter
from nucleate.search.searcher import Proposal
from nucleate.search.trial_attributes import STRUCTURE, origin_attribute, proposal_of

FOLDER = "proposals"
"""Within the study's folder."""
EXPECTED = ("expected_score", "expected_deviation")
NEAREST = ("nearest_told", "similarity")


@dataclass(frozen=True)
class Proposed:
    """One proposal to a person.

    Attributes:
        id: `P0001`, never used again in the study.
        proposal: the structure and where it comes from.
        known: whether it is one of the structures that the study starts from.
        expected: score that the searcher expected when it was proposed; None if it expected none.
        deviation: standard deviation of that.
        nearest: of the structures told so far, the most similar one; None without any.
        similarity: to that one, Tanimoto.
        computed: values of computed objectives by name; None where one failed.
    """

    id: str
    proposal: Proposal
    known: bool = False
    expected: float | None = None
    deviation: float | None = None
    nearest: str | None = None
    similarity: float | None = None
    computed: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def structure(self) -> str:
        """Structure string."""
        return self.proposal.structure

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        own = {key: value for key, value in asdict(self).items() if key != "proposal"}
        return {**own, STRUCTURE: self.structure, "proposal": origin_attribute(self.proposal)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Proposed:
        """The proposal that `to_json` wrote."""
        made = proposal_of(data)
        if made is None:
            raise KeyError(STRUCTURE)
        names = ("id", "known", "expected", "deviation", "nearest", "similarity", "computed")
        return cls(proposal=made, **{name: data[name] for name in names if name in data})


@dataclass(frozen=True)
class Batch:
    """Proposals that were made together.

    Attributes:
        number: counted from 1.
        created: local time with its offset, ISO 8601.
        code_version: of Nucleate.
        model: digest of the model.
        sampler: name of the searcher.
        told: structures that it knew the score of.
        scales: objectives with the scales of that time (`Objective.to_json`), in which the expected
            scores are.
    """

    number: int
    created: str
    code_version: str
    model: str
    sampler: str
    told: int
    scales: list[dict[str, Any]]
    proposals: tuple[Proposed, ...]

    @property
    def name(self) -> str:
        """Of its files."""
        return f"batch-{self.number:03d}"


def read_batches(folder: Path) -> list[Batch]:
    """All batches of a study in order.

    Raises:
        ResultsError: one is damaged; names the file.
    """
    batches = []
    for path in (folder / FOLDER).glob("batch-*.json"):
        data = read_json(path)
        try:
            proposals = tuple(Proposed.from_json(item) for item in data.pop("proposals"))
            known = {name: data[name] for name in Batch.__dataclass_fields__ if name in data}
            batches.append(Batch(**known, proposals=proposals))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResultsError(f"{path}: damaged ({error})") from None
    return sorted(batches, key=lambda batch: batch.number)


def write_batch(folder: Path, batch: Batch) -> None:
    """Write what a batch is, at once; from then on it is proposed."""
    data = {name: getattr(batch, name) for name in Batch.__dataclass_fields__}
    data["proposals"] = [proposed.to_json() for proposed in batch.proposals]
    write_json(folder / FOLDER / f"{batch.name}.json", data)


def table_path(folder: Path, batch: Batch) -> Path:
    """The batch's table for people."""
    return folder / FOLDER / f"{batch.name}.csv"


def write_files(folder: Path, batch: Batch, matter: Matter, measured: Sequence[str]) -> None:
    """Write those of a batch's table and structure files that are not there, each atomically.

    Args:
        measured: columns to be filled in.
    """
    rows = [_row(proposed, matter) for proposed in batch.proposals]
    structures = folder / FOLDER / batch.name
    if not structures.exists():
        with atomic_folder(structures) as temporary:
            matter.export.write_candidates(
                temporary, [{"candidate_id": row["proposal_id"], **row} for row in rows], embed=True
            )
    path = table_path(folder, batch)
    if path.exists():  # a person may have written into it
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    for row, proposed in zip(rows, batch.proposals, strict=True):
        if matter.export.exchange_key:
            row[matter.export.exchange_key] = matter.export.exchange(proposed.structure)
    names += [matter.export.exchange_key] if matter.export.exchange_key else []
    write_csv(path, [*names, *(name for name in measured if name not in names)], rows)


def _row(proposed: Proposed, matter: Matter) -> dict[str, Any]:
    return {
        "proposal_id": proposed.id,
        matter.structure_column: proposed.structure,
        "origin": proposed.proposal.origin,
        "parents": "; ".join(proposed.proposal.parents),
        **dict(zip(EXPECTED, (proposed.expected, proposed.deviation), strict=True)),
        "log_likelihood": proposed.proposal.log_likelihood,
        "known": proposed.known,
        **dict(zip(NEAREST, (proposed.nearest, proposed.similarity), strict=True)),
        **proposed.computed,
    }


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table of plain values atomically; what is missing or not finite is left empty."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(row.get(name)) for name in names})


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return "" if value is None else value
