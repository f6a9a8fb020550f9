"""Round trips: crystals written in every form and read again must be what they were."""

from __future__ import annotations

import csv
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nucleate.core.errors import NucleateError
from nucleate.core.parallel import map_ordered
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings
from nucleate_benchmarks.common.figures import Figure, Section
from nucleate_benchmarks.engineering.texts import FORMS, Subject

OPTIONS = {"maximum_input_atoms": 500}
"""Of standardising: conventional cells of doubled ones are large."""
CHUNK = 20
ENDINGS = {"cif": ".cif", "poscar": ".vasp", "extxyz": ".extxyz", "json": ".json"}
CONTAINERS = ("CSV", "parquet", "zip")


@dataclass
class Trips:
    """What became of some crystals in one form, or of their texts in one kind of file.

    Attributes:
        total: crystals.
        identical: of these, those of the same canonical string.
        same: those that are the same crystal though their strings differ in the last digits.
        failures: one line for each other one.
    """

    total: int = 0
    identical: int = 0
    same: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, crystal: str, found: str, error: str, matter: Matter) -> None:
        """Count one crystal by what was read."""
        self.total += 1
        if found == crystal:
            self.identical += 1
        elif found and matter.identity.are_same(found, crystal):
            self.same += 1
        else:
            self.failures.append(f"{crystal!r} came back as {found or error!r}")

    def join(self, other: Trips) -> None:
        """Add what became of others."""
        self.total += other.total
        self.identical += other.identical
        self.same += other.same
        self.failures += other.failures


def measure(rows: Sequence[RawRow], seed: int, processes: int) -> dict[str, Trips]:
    """What becomes of crystals in every form of `FORMS`, and of the texts in files of many.

    Args:
        rows: of a set; those that cannot be standardised are left out.
    """
    chunks = [
        (list(rows[start : start + CHUNK]), [seed, start]) for start in range(0, len(rows), CHUNK)
    ]
    found: dict[str, Trips] = {name: Trips() for name in FORMS}
    crystals: list[str] = []
    texts: dict[str, list[str]] = {name: [] for name in FORMS}
    for some, written, trips in map_ordered(_measure_chunk, chunks, processes=processes):
        crystals += some
        for name in FORMS:
            texts[name] += written[name]
            found[name].join(trips[name])
    with tempfile.TemporaryDirectory() as folder:
        for container in CONTAINERS:
            found[f"texts in {container}"] = _contained(container, crystals, texts, Path(folder))
    return found


def _measure_chunk(
    chunk: tuple[list[RawRow], list[int]],
) -> tuple[list[str], dict[str, list[str]], dict[str, Trips]]:
    matter = registry.get("crystals")
    options = matter.reader.resolve(OPTIONS, "round trips")
    rng = np.random.default_rng(chunk[1])
    crystals = [text for row in chunk[0] if (text := _read(matter, options, row.payload)[0])]
    texts = {
        name: [write(Subject(crystal, rng)) for crystal in crystals]
        for name, (_, write) in FORMS.items()
    }
    found = {name: Trips() for name in FORMS}
    for name, (kind, _) in FORMS.items():
        for crystal, text in zip(crystals, texts[name], strict=True):
            found[name].add(crystal, *_read(matter, options, {kind: text}), matter)
    return crystals, texts, found


def _read(matter: Matter, options: Any, payload: Any) -> tuple[str, str]:
    """The canonical string of a payload, or why there is none."""
    try:
        return matter.reader.standardise(payload, options).structure, ""
    except NucleateError as error:
        return "", str(error)


def _contained(
    container: str, crystals: list[str], texts: dict[str, list[str]], folder: Path
) -> Trips:
    """Texts of all forms written into files of many, and what is read out of them.

    What comes out as it went in is the same; of any other text the crystal is compared.
    """
    matter = registry.get("crystals")
    options = matter.reader.resolve(OPTIONS, "round trips")
    found = Trips()
    for name, (kind, _) in FORMS.items():
        path = folder / f"{list(FORMS).index(name)}.{container.lower()}"
        rows = list(_written(container, kind, texts[name], path, matter))
        if len(rows) != len(crystals):
            found.failures.append(f"{name}: {len(rows)} rows of {len(crystals)} texts")
        for crystal, text, row in zip(crystals, texts[name], rows, strict=False):
            payload = row.payload if isinstance(row.payload, dict) else {kind: row.payload}
            (inside,) = payload.values()
            whole = inside is not None and _bare(inside) == _bare(text)
            result = (crystal, "") if whole else _read(matter, options, row.payload)
            found.add(crystal, *result, matter)
    return found


def _bare(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _written(
    container: str, kind: str, texts: list[str], path: Path, matter: Matter
) -> Iterator[RawRow]:
    if container == "CSV":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "structure"))
            writer.writerows(enumerate(texts))
    elif container == "parquet":
        pq.write_table(pa.table({"id": [str(n) for n in range(len(texts))], "cif": texts}), path)
    elif kind in ENDINGS:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, text in enumerate(texts):
                archive.writestr(f"{number:06d}{ENDINGS[kind]}", text)
    else:  # no file holds a Wyckoff string alone
        path = path.with_suffix(".csv")
        path.write_text("\n".join(["structure", *map(json.dumps, texts)]) + "\n", encoding="utf-8")
    yield from matter.reader.read_rows(path, DatasetSettings(source=str(path)))


def section(found: dict[str, Trips]) -> Section:
    """The figures, shares in percent."""
    return Section(
        "Round trips",
        [
            Figure(
                f"{name}: the same crystal, %",
                100 * (trips.identical + trips.same) / max(1, trips.total),
                trips.total,
                note=f"{trips.identical} of the identical string",
            )
            for name, trips in found.items()
        ],
        "Each in another cell (half of them doubled), origin, axes, orientation, order of atoms.",
    )
