"""Damaged records through a codec: each decodes to a canonical structure or is refused."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.vae.schema import Record
from nucleate_benchmarks.engineering.corpus import structures

CODECS = {
    "codec.fragments": ("molecules", {"kind": "fragments"}),
    "codec.selfies": ("molecules", {"kind": "selfies"}),
    "codec.wyckoff": ("crystals", {}),
}
"""Kind of matter and options of each codec, by name."""


@dataclass(frozen=True)
class Fitted:
    """A codec with the records of the structures that it was learnt from."""

    matter: Matter
    codec: Codec
    structures: tuple[str, ...]
    records: tuple[Record, ...]


@cache
def fitted(name: str) -> Fitted:
    """Learn a codec on the embedded set's sample.

    Raises:
        StructureError: a structure of the sample is refused.
    """
    kind, options = CODECS[name]
    matter = registry.get(kind)
    texts = structures(kind)
    codec = matter.codecs.fit(texts, matter.codecs.resolve(options, name), 0)
    return Fitted(matter, codec, texts, tuple(map(codec.encode, texts)))


def mutated_record(fitted: Fitted, rng: np.random.Generator) -> Record:
    """A record with fields replaced, or steps lost, doubled, exchanged or another record's."""
    first, second = (
        fitted.records[int(rng.integers(len(fitted.records)))] for _ in range(2)
    )  # fmt: skip
    record = copy.deepcopy(first)
    for _ in range(int(rng.integers(4))):
        n = len(record)
        order = np.arange(n)
        place = int(rng.integers(n))
        kind = int(rng.integers(6))
        if kind == 0 and n > 1:
            order = np.delete(order, place)
        elif kind == 1:
            order = np.insert(order, int(rng.integers(n + 1)), place)
        elif kind == 2:
            order[[place, int(rng.integers(n))]] = order[[int(rng.integers(n)), place]]
        elif kind == 3:
            cut = int(rng.integers(len(second) + 1))
            record.steps = {
                name: np.concatenate([values[: place + 1], second.steps[name][cut:]])
                for name, values in record.steps.items()
            }
            continue
        else:
            _replace(record, fitted, place, rng)
        record.steps = {name: values[order] for name, values in record.steps.items()}
    return record


def _replace(record: Record, fitted: Fitted, place: int, rng: np.random.Generator) -> None:
    """Give one field another value, of a step or of the whole structure."""
    schema = fitted.codec.schema
    fields = [*schema.once, *schema.step]
    field = fields[int(rng.integers(len(fields)))]
    value: float = int(rng.integers(field.size))
    if not field.is_categorical:
        value = float(rng.choice([np.nan, np.inf, 0, 1, 1e9, rng.normal(), 3 * rng.normal()]))
    if field in schema.step:
        record.steps[field.name] = record.steps[field.name].copy()
        record.steps[field.name][place] = value
    elif field.is_categorical:
        record.once[field.name] = value
    else:
        values = np.array(record.once[field.name], np.float32)
        values[int(rng.integers(len(values)))] = value
        record.once[field.name] = values


def examine_record(name: str, rng: np.random.Generator) -> tuple[bool, str]:
    """Decode a damaged record.

    Returns:
        Whether it decoded to a structure, and what is wrong with it (empty: nothing).
    """
    known = fitted(name)
    place = int(rng.integers(len(known.records)))
    if rng.random() < 0.05:
        back = known.codec.decode(known.records[place])
        wrong = back != known.structures[place]
        return True, f"{known.structures[place]} came back as {back}" if wrong else ""
    record = mutated_record(known, rng)
    try:
        record.check(known.codec.schema)
        structure = known.codec.decode(record)
    except StructureError:
        return False, ""
    reader = known.matter.reader
    options = reader.resolve(reader.screening_options, "fuzzing")
    try:
        again = reader.standardise(structure, options).structure
        written = reader.standardise(known.codec.as_written(record), options).structure
    except StructureError:
        return True, ""  # too large, say: it is the checks' part to refuse it
    if not known.matter.identity.are_same(structure, again):
        return True, f"not canonical: {structure} becomes {again}"
    if not known.matter.identity.are_same(written, again):
        return True, f"as written it is {written}, decoded {again}"
    return True, ""
