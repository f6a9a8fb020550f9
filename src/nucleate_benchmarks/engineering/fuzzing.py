"""Mutated files through every reader and codec: no crash, no hang, no silent change of composition.

    python -m nucleate_benchmarks.engineering.fuzzing --count 100000 --seed 0 \\
        --out results/benchmarks/robustness/fuzzing

Sound texts of every format, written by RDKit, pymatgen and ASE from embedded sets, and those of a
folder (`--corpus`), are damaged at random: characters, lines and numbers lost, doubled, exchanged
or replaced, two files spliced, words of the format put in, bytes that are no text. What comes out
of each row is compared with what `expectations` finds in its text without this package's readers.
Input `n` of a seed is always the same, so that one that failed is made again by `--only`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.core.errors import InputError
from nucleate.core.files import write_json, write_text
from nucleate.core.parallel import Failure, default_processes, map_isolated
from nucleate.datasets.rows import standardise_row
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.settings.data import DatasetSettings
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.engineering.corpus import Corpus, read_corpus
from nucleate_benchmarks.engineering.expectations import contradiction, lost_rows, unfounded_number
from nucleate_benchmarks.engineering.hostile import damaged
from nucleate_benchmarks.engineering.mutated_records import CODECS, examine_record

SECONDS = 20.0
"""Limit of one input."""
CHUNK = 25
PROPERTY = "value"
SHOWN = 60
"""Complaints that are kept with their inputs."""


def mutated(text: str, other: str, words: Sequence[str], rng: np.random.Generator) -> bytes:
    """A text damaged in one of several ways, as bytes.

    Args:
        other: a second text to splice with.
        words: of the format, to put in.
    """
    kind = int(rng.integers(9))
    lines = text.splitlines(keepends=True) or [""]
    place = int(rng.integers(len(lines)))
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(int(rng.integers(len(lines) + 1)), lines[place])
    elif kind == 2:
        second = int(rng.integers(len(lines)))
        lines[place], lines[second] = lines[second], lines[place]
    elif kind == 3:
        rest = other.splitlines(keepends=True)
        lines[place:] = rest[int(rng.integers(len(rest) + 1)) :]
    elif kind == 4:
        lines[place] = _with_word(lines[place], words, rng)
    elif kind == 5:
        lines[place] = _with_number(lines[place], rng)
    elif kind == 6:
        lines = [damaged("".join(lines), rng)]
    else:
        lines[place] = damaged(lines[place], rng)
    data = "".join(lines).encode("utf-8", "replace")
    if kind == 7:
        data = _with_bytes(data, rng)
    return data


def _with_word(line: str, words: Sequence[str], rng: np.random.Generator) -> str:
    """A line in which a word is replaced or put in."""
    parts = line.split(" ")
    place = int(rng.integers(len(parts)))
    new = str(words[int(rng.integers(len(words)))])
    if rng.random() < 0.5:
        parts[place] = new + ("\n" if parts[place].endswith("\n") else "")
    else:
        parts.insert(place, new)
    return " ".join(parts)


def _with_number(line: str, rng: np.random.Generator) -> str:
    """A line of which one digit, sign or point is another."""
    places = [n for n, letter in enumerate(line) if letter in "0123456789.-"]
    if not places:
        return line
    place = places[int(rng.integers(len(places)))]
    new = str(rng.choice(list("0123456789.-,−eE+/()? ")))
    return line[:place] + new + line[place + 1 :]


def _with_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes with others put in, another encoding, or other line ends."""
    kind = int(rng.integers(5))
    if kind == 0:
        return data.replace(b"\n", b"\r")
    if kind == 1:
        return data.replace(b"\n", b"\r\n")
    if kind == 2:
        return b"\xef\xbb\xbf" + data
    if kind == 3:
        return data.decode("utf-8", "replace").encode("utf-16")
    place = int(rng.integers(len(data) + 1))
    return data[:place] + rng.bytes(int(rng.integers(1, 4))) + data[place:]


@dataclass(frozen=True)
class Input:
    """One input: which format, and the number that it is made of."""

    number: int
    format: str
    seed: int


@dataclass
class Outcome:
    """What became of an input.

    Attributes:
        read, rejected: rows.
        refused: whether the file as a whole was refused.
        complaints: what is wrong, each with the text it is wrong of.
    """

    read: int = 0
    rejected: int = 0
    refused: bool = False
    complaints: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Prepared:
    """What a worker keeps: seeds of each format, and where it writes."""

    corpus: dict[str, Corpus]
    folder: Path


def prepare(folder: str, more: str | None) -> Prepared:
    """Read the seeds in a worker."""
    place = Path(tempfile.mkdtemp(dir=folder))
    return Prepared(read_corpus(None if more is None else Path(more)), place)


def input_bytes(corpus: Corpus, item: Input) -> bytes:
    """The bytes of an input: one sound text in fifty, the others damaged once to three times."""
    rng = np.random.default_rng([item.seed, item.number])
    text, other = (corpus.texts[int(rng.integers(len(corpus.texts)))] for _ in range(2))
    if rng.random() < 0.02:
        return text.encode("utf-8", "replace")
    data = mutated(text, other, corpus.words, rng)
    for _ in range(int(rng.integers(3))):
        data = mutated(data.decode("utf-8", "surrogateescape"), other, corpus.words, rng)
    return data


def examine_chunk(prepared: Prepared, items: Sequence[Input]) -> list[Outcome]:
    """Read each of the inputs."""
    return [examine(prepared, item) for item in items]


def examine(prepared: Prepared, item: Input) -> Outcome:
    """Read one input and compare what came out with what its text says."""
    if item.format in CODECS:
        return _examine_record(item)
    corpus = prepared.corpus[item.format]
    data = input_bytes(corpus, item)
    path = prepared.folder / f"input{corpus.suffix}"
    path.write_bytes(data)
    matter = registry.get(corpus.matter)
    options = matter.reader.resolve(matter.reader.screening_options, "fuzzing")
    outcome = Outcome()
    properties = (PROPERTY,) if corpus.properties else ()
    rows = 0
    try:
        dataset = DatasetSettings(source=str(path), properties=properties)
        for row in matter.reader.read_rows(path, dataset):
            rows += 1
            found = standardise_row(matter, options, row)
            if found.reason == "unexpected_error":
                outcome.complaints.append((f"crash: {found.detail}", str(row.payload)))
            if found.structure is None:
                outcome.rejected += 1
                continue
            outcome.read += 1
            said = contradiction(row.payload, found.structure, matter.name)
            said = said or _unstable(matter, options, found.structure)
            value = row.properties.get(PROPERTY, np.nan)
            said = said or unfounded_number(value, data)
            if said:
                outcome.complaints.append((said, str(row.payload)))
        missing = lost_rows(data, item.format, rows)
        if missing:
            outcome.complaints.append((missing, data.decode("utf-8", "replace")))
    except InputError:
        outcome.refused = True
    except Exception as error:
        said = f"crash: {type(error).__name__}: {error}"
        outcome.complaints.append((said, data.decode("utf-8", "replace")))
    return outcome


def _examine_record(item: Input) -> Outcome:
    try:
        decoded, said = examine_record(item.format, np.random.default_rng([item.seed, item.number]))
    except Exception as error:
        return Outcome(complaints=[(f"crash: {type(error).__name__}: {error}", "")])
    return Outcome(int(decoded), int(not decoded), complaints=[(said, "")] if said else [])


def _unstable(matter: Matter, options: Any, structure: str) -> str:
    """What is wrong with a canonical structure that is read as another one.

    Its text may differ by roundings, or by a mirror image of a crystal that is nearly its own.
    """
    again = matter.reader.standardise(structure, options).structure
    same = again == structure or matter.identity.are_same(structure, again)
    return "" if same else f"not the same: {structure} becomes {again}"


def inputs(count: int, seed: int, formats: Sequence[str]) -> Iterator[list[Input]]:
    """All inputs, the formats in turn, in chunks."""
    for start in range(0, count, CHUNK):
        yield [
            Input(number, formats[number % len(formats)], seed)
            for number in range(start, min(count, start + CHUNK))
        ]


def fuzz(
    count: int, seed: int, formats: Sequence[str], more: str | None, processes: int
) -> dict[str, Any]:
    """Read `count` inputs.

    Returns:
        By format `inputs`, `read`, `rejected` (rows), `refused` (files) and `complaints`; and the
        first complaints with their inputs.
    """
    table = {name: Counter[str]() for name in formats}
    shown: list[dict[str, Any]] = []
    begun = time.perf_counter()
    chunks = list(inputs(count, seed, formats))
    with tempfile.TemporaryDirectory() as folder:
        done = map_isolated(
            examine_chunk,
            chunks,
            processes=processes,
            seconds=SECONDS,
            initializer=prepare,
            arguments=(folder, more),
        )
        for chunk, outcomes in zip(chunks, done, strict=True):
            for item, one in zip(chunk, outcomes, strict=True):
                if isinstance(one, Failure):
                    one = Outcome(complaints=[(one.reason, "")])
                counts = table[item.format]
                counts["inputs"] += 1
                counts["read"] += one.read
                counts["rejected"] += one.rejected
                counts["refused"] += one.refused
                counts["complaints"] += bool(one.complaints)
                for said, text in one.complaints[:1]:
                    if len(shown) < SHOWN:
                        where = {"input": item.number, "format": item.format}
                        shown.append({**where, "said": said, "text": text[:3000]})
    seconds = round(time.perf_counter() - begun, 1)
    return {
        "formats": {name: dict(counts) for name, counts in table.items()},
        "shown": shown,
        "seconds": seconds,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit status 1 if there is any complaint."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", action="append", help="one of the formats; all if not given")
    parser.add_argument("--corpus", help="folder of further sound or odd files")
    parser.add_argument("--only", type=int, help="show the input of this number, and what it makes")
    parser.add_argument("--processes", type=int, default=default_processes())
    parser.add_argument("--out", type=Path, help="file without suffix")
    asked = parser.parse_args(arguments)
    formats = asked.format or [*read_corpus(None), *CODECS]
    if asked.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            item = Input(asked.only, formats[asked.only % len(formats)], asked.seed)
            prepared = prepare(folder, asked.corpus)
            if item.format not in CODECS:
                print(input_bytes(prepared.corpus[item.format], item).decode("utf-8", "replace"))
            print(item, examine(prepared, item))
        return 0
    words = " ".join(sys.argv[1:] if arguments is None else arguments)
    head = figures.surroundings(f"python -m nucleate_benchmarks.engineering.fuzzing {words}")
    found = fuzz(asked.count, asked.seed, formats, asked.corpus, asked.processes)
    if asked.out is not None:
        write(asked.out, head | {"seed": asked.seed, "limit": SECONDS}, found)
    print(table_text(found))
    for one in found["shown"][:20]:
        print(f"{one['input']} {one['format']}: {one['said'][:300]}")
    return 1 if any(row["complaints"] for row in found["formats"].values()) else 0


def table_text(found: dict[str, Any]) -> str:
    """The table of formats in Markdown."""
    columns = ("inputs", "read", "rejected", "refused", "complaints")
    lines = ["| format | " + " | ".join(columns) + " |", "|" + "---|" * (1 + len(columns))]
    total = Counter[str]()
    for name, row in found["formats"].items():
        total.update(row)
        lines.append(f"| {name} | " + " | ".join(str(row[c]) for c in columns) + " |")
    lines.append("| all | " + " | ".join(str(total[c]) for c in columns) + " |")
    return "\n".join(lines)


def write(out: Path, head: dict[str, Any], found: dict[str, Any]) -> None:
    """Write `OUT.json` and `OUT.md`."""
    write_json(out.with_suffix(".json"), {**head, **found})
    text = f"""# Mutated files through every reader

    {head["command"]}

{head["date"]}, {head["machine"]["processor"]}, {found["seconds"]:.0f} s. A limit of
{head["limit"]:g} s for each input.

{table_text(found)}

- read, rejected: rows of the files that could be read
- refused: files that were refused as a whole, with the reason
- complaints: inputs that crashed, hanged, changed their composition without a word, lost a row or
  gave a number that the file does not hold
"""
    write_text(out.with_suffix(".md"), text)


if __name__ == "__main__":
    raise SystemExit(main())
