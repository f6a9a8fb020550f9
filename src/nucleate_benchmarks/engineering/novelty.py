"""What it takes to look candidates up among ten million known molecules, and whether it is right.

    python -m nucleate_benchmarks.engineering.novelty [--keys 10000000] [--real 20000] [--mirror \\
        FOLDER]

Real molecules (ZINC) are standardised and turned into keys as `nucleate screen` does it, with the
time that takes. Then they are joined with made-up entries (random digests, fingerprints and texts)
to one source of the full size, which is opened in a process of its own: each real molecule must be
found again, in its row, from a random spelling, and other real molecules must not be found.
Memory is the kernel's own peak (VmHWM) of the process that did the work, mapped pages included.

Writes results/benchmarks/screening/novelty.json and .md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.core.files import write_json
from nucleate.core.parallel import default_processes
from nucleate.core.processes import run_isolated
from nucleate.datasets.sources import resolve
from nucleate.matter import registry
from nucleate.matter.checks import Candidate
from nucleate.novelty.build_reference import CHUNK_ROWS, Part, join_parts, save_part
from nucleate.novelty.index import HEADER, Reference, ReferenceContext
from nucleate.novelty.lookup import ChunkKeys, identify_chunk, identity_of
from nucleate.novelty.reference_sets import references
from nucleate.settings.data import DatasetSettings
from nucleate_benchmarks.common.figures import Figure, Section, surroundings, write

MATTER = "molecules"
DATASET = "zinc250k/all"
BATCH = 1000
"""Digests that are looked up in one call."""
LOOKUPS = 200_000
SEARCHED = 100
"""Candidates whose nearest known molecule is searched."""
OUT = Path("results/benchmarks/screening/novelty")


@dataclass(frozen=True)
class Task:
    """What a process of its own is given.

    Attributes:
        folder: to work in; holds the joined source as `known`.
        keys: entries of the source.
        known: real structures that are in it, its first entries.
        unknown: real structures that are not.
    """

    folder: Path
    keys: int
    known: list[str]
    unknown: list[str]
    seed: int


def peak_gigabytes() -> float:
    """Largest resident memory of this process so far, 1e9 bytes; NaN where the system is silent."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("nan")
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmHWM")), "nan")
    return float(kilobytes) * 1024 / 1e9


def structures_of(count: int, mirror: str | None) -> list[str]:
    """The first distinct standardised molecules of the real set, in order."""
    matter = registry.get(MATTER)
    options = matter.reader.resolve({}, "standardise")
    found: dict[str, None] = {}
    for source in resolve(DatasetSettings(source=DATASET), MATTER, mirror):
        for row in matter.reader.read_rows(source.path, source.settings):
            try:
                found.setdefault(matter.reader.standardise(row.payload, options).structure)
            except StructureError:
                continue
            if len(found) == count:
                return list(found)
    return list(found)


def _processor_seconds() -> float:
    """Of this process and of its workers that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def build_figures(task: Task, mirror: str | None) -> dict[str, float]:
    """Time to turn real rows into keys, as a screening does it the first time, and to open them."""
    os.environ["NUCLEATE_DATA"] = str(task.folder / "cache")
    wanted = [DatasetSettings(source=DATASET, limit=len(task.known))]
    started, spent = time.perf_counter(), _processor_seconds()
    (built,) = references(wanted, MATTER, mirror)
    seconds, spent = time.perf_counter() - started, _processor_seconds() - spent
    started = time.perf_counter()
    references(wanted, MATTER, mirror)
    return {
        "rows": float(len(built)),
        "seconds": seconds,
        "processor": spent,
        "seconds_again": time.perf_counter() - started,
    }


def made_up_bits(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint64]:
    """Words of random bits of which 3/64 are set, as in ZINC's fingerprints."""
    words = [generator.integers(0, 2**64, shape, np.uint64, endpoint=False) for _ in range(6)]
    first, second, third, fourth, fifth, sixth = words
    return first & second & third & fourth & (fifth | sixth)


def write_parts(task: Task) -> dict[str, float]:
    """The chunks of the full source: real molecules first, then made-up entries."""
    identity = identity_of(MATTER)
    generator = np.random.default_rng(task.seed)
    for start in range(0, task.keys, CHUNK_ROWS):
        size = min(CHUNK_ROWS, task.keys - start)
        structures = task.known[start : start + size]
        found = identify_chunk((MATTER, structures))
        made_up = size - len(structures)
        sketches = made_up_bits(generator, (made_up, identity.sketch_size))
        random = generator.integers(
            0, 2**64, (len(identity.kinds), made_up, 2), np.uint64, endpoint=False
        )
        whole = ChunkKeys(
            np.concatenate([found.digests, random], axis=1),
            np.concatenate([found.sketches, sketches]),
            np.arange(size, dtype=np.uint32),
        )
        texts = [*structures, *(f"made up {n:037d}" for n in range(made_up))]
        rows = range(start + 1, start + size + 1)
        save_part(
            task.folder / f"part-{start:09d}.npz", whole, texts, rows, [str(r) for r in rows], size
        )
    return {"peak": peak_gigabytes()}


def join(task: Task) -> dict[str, float]:
    """Join the chunks to one source, as the last step of a build."""
    paths = sorted(task.folder.glob("part-*.npz"))
    sizes = [min(CHUNK_ROWS, task.keys - i * CHUNK_ROWS) for i in range(len(paths))]
    parts = [Part(path, size, size) for path, size in zip(paths, sizes, strict=True)]
    target = task.folder / "known"
    target.mkdir()
    started = time.perf_counter()
    facts = join_parts(parts, identity_of(MATTER), target)
    header = {"source": "known", "matter": MATTER, "rows": task.keys, **facts}
    write_json(target / HEADER, header)
    disk = sum(file.stat().st_size for file in target.iterdir())
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak": peak_gigabytes(), "disk": disk / 1e9}


def look_up(task: Task) -> dict[str, float]:
    """Speed and memory of lookups by key, half of them of keys that are there."""
    before = peak_gigabytes()
    known = Reference.open(task.folder / "known")
    generator = np.random.default_rng(task.seed + 1)
    table = known.keys["structure"]
    present = generator.integers(0, len(known), LOOKUPS // 2)
    there = np.stack([table.high[present], table.low[present]], axis=1)
    absent = generator.integers(0, 2**64, there.shape, np.uint64, endpoint=False)
    wanted = generator.permutation(np.concatenate([there, absent]))
    started, spent = time.perf_counter(), time.process_time()
    found = np.concatenate(
        [known.first("structure", wanted[i : i + BATCH]) for i in range(0, len(wanted), BATCH)]
    )
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    return {
        "rate": len(wanted) / seconds,
        "microseconds": 1e6 * spent / len(wanted),
        "found": float((found >= 0).sum()),
        "asked": float(len(there)),
        "peak": peak_gigabytes(),
        "before": before,
    }


def judge(task: Task) -> dict[str, float]:
    """Verdicts of the check `novel` itself on respelt known molecules and on unknown ones."""
    from nucleate.molecules.chemistry.chem import random_spellings

    matter = registry.get(MATTER)
    options = matter.reader.resolve({}, "standardise")
    context = ReferenceContext(references=[Reference.open(task.folder / "known")])
    respelt = [
        next(iter(random_spellings(s, 1, task.seed + i)), s) for i, s in enumerate(task.known)
    ]
    again = [matter.reader.standardise(spelling, options).structure for spelling in respelt]
    lookup = matter.checks.build("novel", {"nearest": False}, context, "benchmark")
    started, spent = time.perf_counter(), time.process_time()
    verdicts = lookup.run([Candidate(s) for s in [*again, *task.unknown]])
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    told, others = verdicts[: len(again)], verdicts[len(again) :]
    rows = [f"known, row {row}" for row in range(1, len(again) + 1)]
    right = [v.columns.get("nearest_known_source") for v in told]
    # A stereoisomer of a known molecule counts as known: that is no false hit.
    isomers = sum("stereoisomer" in verdict.reason for verdict in others)
    return {
        "respelt": float(sum(a != b for a, b in zip(respelt, task.known, strict=True))),
        "found": float(sum(not verdict.passed for verdict in told)),
        "right": float(sum(a == b for a, b in zip(rows, right, strict=True))),
        "false": float(sum(not verdict.passed for verdict in others) - isomers),
        "isomers": float(isomers),
        "rate": len(verdicts) / seconds,
        "milliseconds": 1000 * spent / len(verdicts),
        "peak": peak_gigabytes(),
    }


def search(task: Task) -> dict[str, float]:
    """Time of the search for the nearest known molecule, and whether planted ones are found."""
    reference = Reference.open(task.folder / "known")
    threads = default_processes()
    context = ReferenceContext(references=[reference], processes=threads)
    check = registry.get(MATTER).checks.build("novel", {}, context, "benchmark")
    candidates = [Candidate(s) for s in task.unknown[:SEARCHED]]
    check.run(candidates[:1])  # the first touch of the pages is the disk's
    started, spent = time.perf_counter(), time.process_time()
    check.run(candidates)
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    compared = len(candidates) * len(reference.sketched)
    return {
        "compared": float(len(reference.sketched)),
        "candidates": float(len(candidates)),
        "milliseconds": 1000 * seconds / len(candidates),
        "nanoseconds": 1e9 * spent / compared,
        "threads": float(threads),
        "peak": peak_gigabytes(),
    }


def measure(keys: int, real: int, seed: int, mirror: str | None) -> dict[str, dict[str, float]]:
    """Every step in turn, in a folder that is removed afterwards."""
    structures = structures_of(real + real // 4, mirror)
    known, unknown = structures[:real], structures[real:]
    with tempfile.TemporaryDirectory(prefix="nucleate-novelty-") as folder:
        task = Task(Path(folder), keys, known, unknown, seed)
        found = {"build": build_figures(task, mirror)}
        steps: list[Callable[[Task], dict[str, float]]] = [
            write_parts,
            join,
            look_up,
            judge,
            search,
        ]
        for step in steps:
            found[step.__name__] = run_isolated(step, task)
            print(step.__name__, found[step.__name__], file=sys.stderr, flush=True)
    return found


def sections(found: dict[str, dict[str, float]], keys: int, real: int) -> list[Section]:
    """The figures with how each came about."""
    build, joined, asked = found["build"], found["join"], found["look_up"]
    judged, searched = found["judge"], found["search"]
    others, rows = real // 4, int(build["rows"])
    cores = default_processes()
    whole = "one process: interpreter, libraries and mapped pages; asked: below 2"
    return [
        Section(
            "Memory and speed",
            [
                Figure("peak memory of lookups, GB", asked["peak"], keys, note=whole),
                Figure("peak memory of the whole check, GB", judged["peak"], keys, note=whole),
                Figure("the same with the nearest, GB", searched["peak"], keys, note=whole),
                Figure("peak memory of the last step of a build, GB", joined["peak"], keys),
                Figure("files, GB", joined["disk"], keys, note="keys, texts and fingerprints"),
                Figure(
                    "lookups a second",
                    asked["rate"],
                    LOOKUPS,
                    note=f"of digests, {BATCH:,} at a time, half of them known, one core: "
                    f"{asked['microseconds']:.2g} µs of processor time each",
                ),
                Figure(
                    "candidates a second",
                    judged["rate"],
                    real + others,
                    note="`novel` without the nearest: SMILES read, with and without stereo: "
                    f"{judged['milliseconds']:.2g} ms of processor time each",
                ),
                Figure(
                    "nearest known, ms a candidate",
                    searched["milliseconds"],
                    int(searched["candidates"]),
                    note=f"among {searched['compared']:,.0f}, {searched['threads']:.0f} threads: "
                    f"{searched['nanoseconds']:.0f} ns of processor time a pair",
                ),
            ],
            f"{real:,} real molecules among {keys:,} entries; the others are made up. Wall times "
            "are those of a machine that other work shares (see the load).",
        ),
        Section(
            "Building",
            [
                Figure(
                    "seconds",
                    build["seconds"],
                    rows,
                    note=f"ZINC rows, {cores} processes: {build['processor']:.3g} s of processor "
                    "time, the start of the processes included",
                ),
                Figure("seconds the next time", build["seconds_again"], rows, note="opened only"),
                Figure(
                    "minutes for a million molecules",
                    build["seconds"] / rows * 1e6 / 60,
                    rows,
                    note="extrapolated in proportion from the first line; by processor time "
                    f"{build['processor'] / rows * 1e6 / 60 / cores:.3g} on as many idle cores",
                ),
                Figure("seconds of the last step", joined["seconds"], keys, note="measured whole"),
            ],
        ),
        Section(
            "Correctness",
            [
                Figure(
                    "known molecules found again, share",
                    judged["found"] / real,
                    real,
                    note=f"{judged['respelt']:.0f} of them written another way",
                ),
                Figure("in the right row, share", judged["right"] / real, real),
                Figure(
                    "unknown molecules taken for known, share",
                    judged["false"] / others,
                    others,
                    note=f"beside {judged['isomers']:.0f} stereoisomers of known ones",
                ),
                Figure(
                    "digests found that are there, share", asked["found"] / asked["asked"],
                    int(asked["asked"]), note="as many that are not there were asked for as well",
                ),
            ],
        ),
    ]  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--real", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mirror", help="folder that holds the catalogued files")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    load = round(os.getloadavg()[0], 1)
    found = measure(given.keys, given.real, given.seed, given.mirror)
    shown = f"--keys {given.keys} --real {given.real} --seed {given.seed}"
    head = surroundings(f"python -m nucleate_benchmarks.engineering.novelty {shown}")
    head |= {"data": f"{DATASET}, the first rows", "seed": given.seed, "load before": load}
    title = "Looking up known molecules"
    write(given.out, title, head, sections(found, given.keys, given.real), found)


if __name__ == "__main__":
    main()
