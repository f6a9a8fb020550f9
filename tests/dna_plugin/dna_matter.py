"""Short strands of DNA as a third kind of matter: what a plug-in from outside has to write.

`Strands` is the least that can be featurized, trained and sampled; `Dna` adds the other parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.core.errors import SettingsError, StructureError
from nucleate.core.files import write_text
from nucleate.core.settings import Settings
from nucleate.datasets.archives import opened
from nucleate.datasets.tabular import open_table, structure_rows
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate, Check, Checks, EachCheck, Verdict
from nucleate.matter.codec import Codec, Codecs
from nucleate.matter.conditions import Guide
from nucleate.matter.export import Export, Rows
from nucleate.matter.identity import Identity
from nucleate.matter.part import part
from nucleate.matter.properties import Properties, Property
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.matter.variation import Edits, Variations
from nucleate.settings.data import DatasetSettings
from nucleate.vae.schema import Field, Record, Schema

BASES = "ACGT"
OTHER_STRAND = str.maketrans("ACGT", "TGCA")


def canonical(sequence: str) -> str:
    """The alphabetically first of both strands, each read from its 5' end."""
    return min(sequence, sequence.translate(OTHER_STRAND)[::-1])


class StrandOptions(Settings):
    maximum_length: int = 30


class StrandReader(Reader):
    """Tables with a column `sequence` or `strand`."""

    Options = StrandOptions

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        usual = ("sequence", self.matter.structure_column)
        with opened(source) as (stream, name):
            table = open_table(source, stream, name, "csv")
            rows = structure_rows(table, source, dataset, usual, "no column of sequences")
            yield from islice(rows, dataset.limit)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        sequence = str(payload).strip().upper()
        if not sequence or set(sequence) - set(BASES):
            raise StructureError("base", f"{sequence[:40]!r} is not a sequence of A, C, G and T")
        if len(sequence) > options.maximum_length:
            raise StructureError("too_long", f"{len(sequence)} bases")
        strand = canonical(sequence)
        return Standardised(strand, strand)


class StrandCodec(Codec):
    """A base is a step; 0 ends a strand."""

    def __init__(self, matter: str, maximum_length: int):
        bases = Field("base", "categorical", 1 + len(BASES))
        self.schema = Schema(matter, (), (bases,), maximum_length)

    def encode(self, structure: str) -> Record:
        try:
            numbers = np.array([1 + BASES.index(base) for base in structure], np.int64)
        except ValueError:
            raise StructureError("base", f"{structure!r} is not a strand") from None
        return Record({}, {"base": numbers})

    def decode(self, record: Record) -> str:
        return canonical("".join(BASES[number - 1] for number in record.steps["base"]))

    def to_json(self) -> dict[str, Any]:
        return {"maximum_length": self.schema.maximum_steps}


class StrandCodecs(Codecs):
    def fit(self, structures: Sequence[str], options: Any, seed: int) -> Codec:
        return StrandCodec(self.matter.name, max(map(len, structures)))

    def load(self, data: Mapping[str, Any]) -> Codec:
        return StrandCodec(self.matter.name, data["maximum_length"])

    def spellings(self, structure: str, count: int, seed: int) -> list[str]:
        return [structure.translate(OTHER_STRAND)[::-1]][:count]


class Strands(Matter):
    name = "strands"
    reader = part(StrandReader)
    codecs = part(StrandCodecs)


class DnaIdentity(Identity):
    split_kinds = ("random", "length")

    def split_key(self, structure: str, kind: str) -> str:
        return str(len(structure)) if kind == "length" else structure


def gc_content(strands: Sequence[str]) -> np.ndarray:
    return np.array([sum(strand.count(base) for base in "GC") / len(strand) for strand in strands])


def melting_temperature(strands: Sequence[str]) -> np.ndarray:
    return 2.0 * np.array([len(strand) for strand in strands]) * (1 + gc_content(strands))


class DnaProperties(Properties):
    def table(self) -> dict[str, Property]:
        share = Property("gc_content", "", "share of G and C", gc_content, is_cheap=True)
        melting = Property("melting", "degC", "Wallace's rule (1979)", melting_temperature)
        return {"gc_content": share, "melting": melting}


class RunsCheck(EachCheck):
    """Long runs of one base cannot be synthesised well."""

    name = "runs"
    description = "No long run of one base"

    class Options(Settings):
        maximum: int = 4

    def one(self, candidate: Candidate) -> Verdict:
        longest = max(len(list(run)) for _, run in groupby(candidate.structure))
        passed = longest <= self.options.maximum
        return Verdict(passed, longest, "" if passed else f"a run of {longest}")


class DnaChecks(Checks):
    def own(self) -> dict[str, type[Check]]:
        return {"runs": RunsCheck}


class PointMutations(Edits):
    def mutate(self, structures: Sequence[str], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        places = [int(rng.integers(len(strand))) for strand in structures]
        bases = rng.choice(list(BASES), len(structures))
        parts = zip(structures, places, bases, strict=True)
        return [canonical(strand[:i] + str(base) + strand[i + 1 :]) for strand, i, base in parts]

    def cross(self, pairs: Sequence[tuple[str, str]], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        cuts = [int(rng.integers(1 + min(map(len, pair)))) for pair in pairs]
        return [canonical(a[:i] + b[i:]) for (a, b), i in zip(pairs, cuts, strict=True)]


class DnaVariations(Variations):
    def edits(self, codec: Codec) -> dict[str, Edits]:
        return {"graph": PointMutations()}


class DnaGuide(Guide):
    def read(self, text: str, where: str) -> str:
        try:
            return self.matter.reader.standardise(text, StrandOptions()).structure
        except StructureError as error:
            raise SettingsError(f"{where}: {error}") from None

    def similarities(self, structures: Sequence[str], reference: str) -> np.ndarray:
        """Share of equal bases, place by place."""
        equal = [sum(map(str.__eq__, strand, reference)) for strand in structures]
        return np.array(equal) / [max(len(strand), len(reference)) for strand in structures]


class DnaExport(Export):
    def write_candidates(self, folder: Path, rows: Rows, embed: bool = False) -> list[Path]:
        text = "".join(f">{row['candidate_id']}\n{row['strand']}\n" for row in rows)
        write_text(folder / "candidates.fasta", text)
        return [folder / "candidates.fasta"]


class Dna(Strands):
    name = "dna"
    structure_column = "strand"
    identity = part(DnaIdentity)
    properties = part(DnaProperties)
    checks = part(DnaChecks)
    variations = part(DnaVariations)
    guide = part(DnaGuide)
    export = part(DnaExport)
