"""A kind of matter small enough to reason about: four whole numbers, and a model that rounds.

The structure string is "a,b,c,d". A latent vector decodes to its rounded values; values beyond 9
decode to nothing. `Calls` counts what was asked of the properties.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nucleate.core.errors import InputError, StructureError
from nucleate.core.files import sha256_file, write_text
from nucleate.core.manifest import Manifest, Output
from nucleate.core.settings import Settings
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate, Check, Checks, Verdict
from nucleate.matter.export import Export, Rows
from nucleate.matter.part import part
from nucleate.matter.properties import Properties, Property
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.matter.variation import Edits, Variations
from nucleate.settings.data import DatasetSettings
from nucleate.settings.evolution import EvolutionSettings
from nucleate.settings.model import DrawSettings

SIZE = 4
SMALL = EvolutionSettings(
    initial=30, screened=6, generations=2, pool=100, support=200, refit=60, plausible=0
)
"""A search that a toy model can serve: it has no likelihoods."""
calls: Counter[str] = Counter()
"""How often each structure's properties were computed; tests clear it."""


def parse(structure: str) -> list[int]:
    return [int(part) for part in structure.split(",")]


def write(values: Sequence[float]) -> str:
    return ",".join(str(round(float(v))) for v in values)


def _sum(structures: Sequence[str]) -> np.ndarray:
    calls.update(structures)
    return np.array([float(sum(parse(s))) for s in structures])


def _spread(structures: Sequence[str]) -> np.ndarray:
    # NaN where all are equal, to have missing values about.
    values = [float(max(parse(s)) - min(parse(s))) for s in structures]
    return np.array([v if v else np.nan for v in values])


class Small(Check):
    """Sum of absolute values bounded; 'expensive' variants are made by tests."""

    name = "small"
    description = "Sum of absolute values within bounds"

    class Options(Settings):
        maximum: float = 30.0

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        verdicts = []
        for candidate in candidates:
            total = float(sum(map(abs, parse(candidate.structure))))
            passed = total <= self.options.maximum
            reason = "" if passed else f"sum {total} above {self.options.maximum}"
            verdicts.append(Verdict(passed, total, reason))
        return verdicts


class Novel(Check):
    name = "novel"
    description = "Not in the known set"
    expensive = True

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        known = set(self.context.known)
        return [
            Verdict(c.structure not in known, reason="known" if c.structure in known else "")
            for c in candidates
        ]


class ToyReader(Reader):
    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        try:
            lines = source.read_text().splitlines()
        except OSError:
            raise InputError("cannot be read", file=source) from None
        for number, line in enumerate(lines[: dataset.limit], 1):
            yield RawRow(number, str(number), line)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        try:
            structure = write(parse(payload))
        except ValueError:
            raise StructureError("unreadable", f"{payload!r} is not a list of numbers") from None
        return Standardised(structure, structure)


class ToyProperties(Properties):
    def table(self) -> dict[str, Property]:
        return {
            "sum": Property("sum", "", "sum of the numbers", _sum),
            "spread": Property("spread", "", "largest minus smallest", _spread),
        }


class ToyChecks(Checks):
    def own(self) -> dict[str, type[Check]]:
        return {"small": Small, "novel": Novel}


class ToyExport(Export):
    def describe(self, structure: str) -> dict[str, Any]:
        return {"first": parse(structure)[0]}

    def write_candidates(self, folder: Path, rows: Rows, embed: bool = False) -> list[Path]:
        text = "".join(f"{row['candidate_id']} {row['numbers']}\n" for row in rows)
        write_text(folder / "candidates.toy", text)
        return [folder / "candidates.toy"]

    def write_samples(self, folder: Path, rows: Rows) -> Path:
        write_text(folder / "samples.toy", "".join(f"{row['structure']}\n" for row in rows))
        return folder / "samples.toy"


class ToyMatter(Matter):
    name = "toy"
    structure_column = "numbers"
    reader = part(ToyReader)
    properties = part(ToyProperties)
    checks = part(ToyChecks)
    export = part(ToyExport)


@dataclass
class ToyDecoded:
    structure: str | None
    log_likelihood: float
    reason: str = ""


class ToyEdits(Edits):
    """One number changed by one; numbers of either parent."""

    def mutate(self, structures: Sequence[str], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        out: list[str | None] = []
        for structure in structures:
            values = np.array(parse(structure))
            values[rng.integers(4)] += rng.choice([-1, 1])
            out.append(None if np.abs(values).max() > 9 else write(values.tolist()))
        return out

    def cross(self, pairs: Sequence[tuple[str, str]], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        return [write(np.where(rng.random(4) < 0.5, parse(a), parse(b)).tolist()) for a, b in pairs]


class ToyVariations(Variations):
    def edits(self, codec: object) -> dict[str, Edits]:
        return {"graph": ToyEdits(), "token": ToyEdits()}


class EditableMatter(ToyMatter):
    variations = part(ToyVariations)


@dataclass
class ToyModel:
    """What `LatentModel` offers to the search."""

    training: list[str]
    fail_after: int | None = None
    decoded: int = 0
    matter: Matter = field(default_factory=ToyMatter)
    size: int = SIZE
    codec: Any = None
    refiner: Any = None

    def encode(self, structures: Sequence[str]) -> tuple[np.ndarray, dict[int, StructureError]]:
        return np.array([parse(s) for s in structures], np.float32).reshape(-1, SIZE), {}

    def decode(
        self,
        latents: np.ndarray,
        temperature: float = 0.0,
        seed: int = 0,
        noise: np.ndarray | float = 0.0,
        legality: Any = None,
        refine: DrawSettings | None = None,
    ) -> list[ToyDecoded]:
        self.decoded += len(latents)
        if self.fail_after is not None and self.decoded > self.fail_after:
            raise KeyboardInterrupt
        return [
            ToyDecoded(None, 0.0, "too_large")
            if np.abs(z).max() > 9.5
            else ToyDecoded(write(z), -float(np.abs(z).sum()))
            for z in latents
        ]

    def draw(self, count: int, seed: int, how: DrawSettings) -> np.ndarray:
        return np.random.default_rng(seed).normal(0, 2.5, (count, SIZE)).astype(np.float32)

    def sampling(self) -> DrawSettings:
        return DrawSettings()

    def training_latents(self) -> np.ndarray:
        return self.encode(self.training)[0]


def training_set(count: int = 300, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(write(row) for row in rng.normal(0, 2.5, (count, SIZE)).clip(-8, 8)))


def register(monkeypatch: Any) -> None:
    """Make `matter.get("toy")` work."""
    monkeypatch.setattr(registry, "get", lambda name: {"toy": ToyMatter}[name]())


def manifest_of(
    folder: Path, stage: str, name: str, rows: list[dict[str, Any]], **types: Any
) -> Manifest:
    """Write a parquet file as another stage would, and its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False)
    pq.write_table(table, folder / name)
    output = Output(name, sha256_file(folder / name), len(rows))
    return Manifest(stage, "toy", str(folder), key=output.sha256, outputs=(output,))


def features_of(folder: Path, training: Sequence[str], test: Sequence[str] = ()) -> Manifest:
    """A featurized set."""
    rows = [{"structure": s, "split": "train"} for s in training]
    rows += [{"structure": s, "split": "test"} for s in test]
    return manifest_of(folder, "featurize", "records.parquet", rows)
