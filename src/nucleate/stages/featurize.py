"""Featurize: dataset files -> records (parquet), rejected rows with reasons, and arrays."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nucleate.core import progress
from nucleate.core.errors import InputError, SettingsError, StructureError
from nucleate.core.files import digest, read_json, write_json
from nucleate.core.manifest import Manifest, run_stage, stage_key
from nucleate.core.parallel import default_processes
from nucleate.datasets import tables
from nucleate.datasets.duplicates import find_duplicates, find_duplicates_within
from nucleate.datasets.encoding import Encoded, encode_structures
from nucleate.datasets.rows import PROPERTY_PREFIX, count_notes, standardise_rows
from nucleate.datasets.sources import Source, resolve, source_digest
from nucleate.datasets.splits import SPLITS, divide
from nucleate.datasets.tables import RECORD_COLUMNS
from nucleate.latent.pretrained import model_digest
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.matter.reading_notes import ReadingNotes
from nucleate.settings.data import FeaturizeSettings
from nucleate.stages.start import START_INPUT, start_codec, symbol_figures

if TYPE_CHECKING:
    import pandas as pd

STAGE = "featurize"
_WORK_PREFIX = ".work-"
MINIMUM_TRAINING = 10
SPELLINGS_NAME = "spellings.npz"
_PHASES = {"split": "split", "fit": "learn the vocabulary", "write": "write arrays"}
"""How those show that count nothing."""
_LOG = logging.getLogger(__name__)


def featurize(
    settings: FeaturizeSettings,
    matter_name: str,
    folder: Path,
    *,
    seed: int = 0,
    mirror: str | None = None,
    start: Path | None = None,
    extend: bool = False,
) -> Manifest:
    """Standardise, deduplicate, split and encode a dataset.

    Writes records.parquet, rejected.parquet, features.npz and codec.json into the folder. Finished
    chunks are kept in a work folder inside it until the end, so that a killed run resumes.

    Args:
        start: folder of a trained model whose codec is taken instead of fitting one.
        extend: whether symbols that are new to that codec are added to it; else structures with
            such symbols are rejected rows.

    Raises:
        SettingsError: an option or split kind that the kind of matter does not know.
        DatasetError: the dataset is unknown or cannot be fetched.
        InputError: a file cannot be read, no row was accepted, too few to train on, or a property
            without a number in any row, or most of whose filled cells are no numbers.
        ResultsError: the folder cannot be written.
    """
    matter = registry.get(matter_name)
    where = f"[matter.{matter_name}.featurize"
    matter.reader.resolve(settings.standardise, f"{where}.standardise]")
    codec_options = matter.codecs.resolve(settings.codec, f"{where}.codec]")
    _check(settings, matter, where)
    sources = resolve(settings.dataset, matter_name, mirror)
    inputs = {source.name: source_digest(source, matter) for source in sources}
    inputs |= registry.plugin_inputs(matter)
    # Neither changes the result, so neither may make a finished stage stale.
    plain = settings.model_dump(mode="json", exclude={"processes", "chunk"})
    more: dict[str, Any] = {
        "seed": seed,
        "kind": matter_name,
        "sources": [[s.name, s.role, s.settings.model_dump(mode="json")] for s in sources],
    }
    if start is not None:
        inputs[START_INPUT] = model_digest(start)
        more["extend"] = extend
    key = stage_key(STAGE, plain, inputs, **more)
    work = folder / f"{_WORK_PREFIX}{digest([key, settings.chunk])[:16]}"

    def do(target: Path) -> tuple[list[str], dict[str, Any]]:
        for stale in target.glob(f"{_WORK_PREFIX}*"):
            if stale != work:
                shutil.rmtree(stale, ignore_errors=True)
        work.mkdir(exist_ok=True)
        return FeaturizeJob(
            settings, matter, codec_options, sources, seed, target, work, start, extend
        ).run()

    manifest = run_stage(STAGE, matter_name, folder, plain, inputs, do, **more)
    shutil.rmtree(work, ignore_errors=True)
    return manifest


def _check(settings: FeaturizeSettings, matter: Matter, where: str) -> None:
    kinds = tuple(dict.fromkeys(("random", *matter.identity.split_kinds)))
    if settings.split.kind not in kinds:
        raise SettingsError(
            f"{where}.split]: no split of kind {settings.split.kind!r} for {matter.name}; "
            f"known: {', '.join(kinds)}"
        )
    matter.identity.resolve_hold_out(settings.split.hold_out, f"{where}.split.hold_out]")
    taken = [name for name in settings.dataset.properties if name in RECORD_COLUMNS]
    if taken:
        raise SettingsError(
            f"{where}.dataset]: a property cannot be called {', '.join(taken)}; rename the column"
        )


def load_records(manifest: Manifest) -> pd.DataFrame:
    """records.parquet of a featurize manifest.

    Columns not in `RECORD_COLUMNS` are properties (float64, NaN where missing).

    Raises:
        ResultsError: missing or damaged.
    """
    return tables.read(manifest.path("records.parquet")).to_pandas()


@dataclass
class FeaturizeJob:
    """One run of the stage. Big columns stay pyarrow tables and numpy arrays between phases."""

    settings: FeaturizeSettings
    matter: Matter
    codec_options: Any
    sources: Sequence[Source]
    seed: int
    folder: Path
    work: Path
    start: Path | None = None
    extend: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def processes(self) -> int:
        return self.settings.processes or default_processes()

    def run(self) -> tuple[list[str], dict[str, Any]]:
        """Do the phases; returns the output names and the metrics."""
        count, accepted, rejected, reading = self._read()
        with self._clock("split"):
            split = self._split(accepted)
            self._enough(split, rejected)
            self._measured(accepted, reading)
        with self._clock("fit"):
            codec = self._fit(accepted, split)
        with self._clock("encode"):
            # Some sixteen chunks at least, so that a small set keeps every worker busy.
            chunk = min(self.settings.chunk, max(100, len(accepted) // 16))
            encoded = encode_structures(
                accepted["structure"].to_pylist(),
                self.matter,
                codec.to_json(),
                codec.schema,
                self.work,
                chunk=chunk,
                processes=self.processes,
            )
        rejected = pa.concat_tables([rejected, tables.unencodable_rows(accepted, encoded)])
        rejected = rejected.sort_by([("source", "ascending"), ("row", "ascending")])
        accepted, split = accepted.take(encoded.kept), split[encoded.kept]
        self._enough(split, rejected)
        with self._clock("write"):
            names = self._write(accepted, split, codec, encoded, rejected)
        if self.settings.spellings:
            with self._clock("spellings"):
                names.append(self._spell(accepted, split, codec, chunk))
        for reason, rows, first in tables.examples(rejected):
            if reason != "duplicate":
                reading.reject(reason, first, rows)
        metrics = self._metrics(count, accepted, split, encoded, rejected) | reading.to_json()
        if self.start is not None:
            metrics |= symbol_figures(self.start, codec, encoded.arrays, rejected)
        return names, metrics

    @contextmanager
    def _clock(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        with progress.phase(_PHASES[phase]) if phase in _PHASES else nullcontext():
            yield
        self.seconds[phase] = round(time.perf_counter() - started, 2)
        _LOG.info("featurize %s: %s in %.1f s", self.matter.name, phase, self.seconds[phase])

    def _read(self) -> tuple[int, pa.Table, pa.Table, ReadingNotes]:
        """Number of rows, the distinct accepted ones, the rejected ones, and what was decided."""
        with self._clock("standardise"):
            rows = standardise_rows(
                self.sources,
                self.matter,
                self.settings.standardise,
                self.work,
                split_kind=self.settings.split.kind,
                chunk=self.settings.chunk,
                processes=self.processes,
            )
        rejected = tables.unreadable_rows(rows)
        accepted = rows.filter(pc.is_null(rows["reason"]))
        with self._clock("deduplicate"):
            first = self._repeats(accepted)
            rejected = pa.concat_tables([rejected, tables.duplicate_rows(accepted, first)])
        distinct = accepted.take(np.flatnonzero(first < 0))
        return len(rows), distinct, rejected, count_notes(rows)

    def _repeats(self, accepted: pa.Table) -> NDArray[np.int64]:
        """For each row the earlier one that it repeats and goes for, or -1."""
        if self.settings.duplicates == "keep":
            return np.full(len(accepted), -1, np.int64)
        keys, structures = accepted["key"].to_pylist(), accepted["structure"].to_pylist()
        if self.settings.duplicates == "drop":
            return find_duplicates(keys, structures, self.matter, self.processes)
        roles = accepted["role"].to_pylist()
        return find_duplicates_within(roles, keys, structures, self.matter, self.processes)

    def _split(self, accepted: pa.Table) -> NDArray[np.int8]:
        """Index into `SPLITS` by row: the sources' roles first, then the settings."""
        split = self.settings.split
        eligible = None
        if split.hold_out:
            options = self.matter.identity.resolve_hold_out(split.hold_out, "split.hold_out")
            structures = accepted["structure"].to_pylist()
            may = (
                self.matter.identity.may_hold_out(structure, options) for structure in structures
            )
            eligible = np.fromiter(may, bool, len(structures))
        groups, roles = accepted["group"].to_pylist(), accepted["role"].to_pylist()
        return divide(groups, roles, split, self.seed, eligible)

    def _enough(self, split: NDArray[np.int8], rejected: pa.Table) -> None:
        training = int((split == 0).sum())
        if training >= MINIMUM_TRAINING:
            return
        reasons = tables.explain(rejected)
        why = f"; rejected rows by reason:\n{reasons}" if reasons else ""
        if len(split) == 0:
            message = "no row was accepted"
        else:
            message = (
                f"only {training} distinct structures are left to train on, "
                f"at least {MINIMUM_TRAINING} are needed"
            )
        raise InputError(message + why, file=self.settings.dataset.label)

    def _measured(self, accepted: pa.Table, reading: ReadingNotes) -> None:
        for name in self.settings.dataset.properties:
            reading.refuse_lost(name, self.settings.dataset.label)
            if accepted[PROPERTY_PREFIX + name].null_count == len(accepted):
                raise InputError(
                    f"property {name!r}: no accepted row has a number there",
                    file=self.settings.dataset.label,
                )

    def _fit(self, accepted: pa.Table, split: NDArray[np.int8]) -> Codec:
        """Learn the codec on the training split, or take the start model's, or what a killed run
        has learnt."""
        kept = self.work / "codec.json"
        if kept.exists():
            return self.matter.codecs.load(read_json(kept))
        if self.start is not None:
            codec = start_codec(
                self.start, self.matter, accepted["structure"].to_pylist(), extend=self.extend
            )
            write_json(kept, codec.to_json())
            return codec
        training = accepted["structure"].filter(pa.array(split == 0)).to_pylist()
        try:
            codec = self.matter.codecs.fit(training, self.codec_options, self.seed)
        except StructureError as error:
            raise InputError(str(error), file=self.settings.dataset.label) from error
        write_json(kept, codec.to_json())
        return codec

    def _write(
        self,
        accepted: pa.Table,
        split: NDArray[np.int8],
        codec: Codec,
        encoded: Encoded,
        rejected: pa.Table,
    ) -> list[str]:
        from nucleate.vae.arrays import RaggedArrays  # imports torch, which workers do without

        # What the codec derives from the structure, and property columns of the other fields.
        known = encoded.arrays.auxiliary
        others = [f for f in codec.schema.auxiliary if f.name not in known]
        auxiliary = tables.auxiliary(accepted, others) | known
        arrays = RaggedArrays.from_stacked(codec.schema, encoded.arrays, auxiliary)
        arrays.save(self.folder / "features.npz")
        tables.write(self.folder / "records.parquet", tables.records(accepted, split))
        tables.write(self.folder / "rejected.parquet", rejected)
        names = {"matter": self.matter.name}
        plain = {"codec": codec.to_json(), "schema": codec.schema.to_json()}
        write_json(self.folder / "codec.json", {**names, **plain})
        return ["records.parquet", "rejected.parquet", "features.npz", "codec.json"]

    def _spell(self, accepted: pa.Table, split: NDArray[np.int8], codec: Codec, chunk: int) -> str:
        """Write random spellings of the training structures; returns the file's name."""
        from nucleate.vae.arrays import RaggedArrays

        spelt = encode_structures(
            accepted["structure"].filter(pa.array(split == 0)).to_pylist(),
            self.matter,
            codec.to_json(),
            codec.schema,
            self.work,
            chunk=chunk,
            processes=self.processes,
            spellings=self.settings.spellings,
            seed=self.seed,
        )
        arrays = RaggedArrays.from_stacked(codec.schema, spelt.arrays)
        arrays.save(self.folder / SPELLINGS_NAME)
        return SPELLINGS_NAME

    def _metrics(
        self,
        count: int,
        accepted: pa.Table,
        split: NDArray[np.int8],
        encoded: Encoded,
        rejected: pa.Table,
    ) -> dict[str, Any]:
        reasons = tables.counts(rejected)
        lengths = encoded.arrays.lengths
        return {
            "rows": count,
            "accepted": len(accepted),
            "rejected": reasons,
            "duplicates": reasons.get("duplicate", 0),
            "split": {name: int((split == code).sum()) for code, name in enumerate(SPLITS)},
            "steps": {"mean": round(float(lengths.mean()), 3), "maximum": int(lengths.max())},
            "properties": {
                name: len(accepted) - accepted[PROPERTY_PREFIX + name].null_count
                for name in self.settings.dataset.properties
            },
            "seconds": self.seconds,
            "rows/records.parquet": len(accepted),
            "rows/rejected.parquet": len(rejected),
        }
