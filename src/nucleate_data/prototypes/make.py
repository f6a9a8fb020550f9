"""Relaxing the planned crystals, resumably, and writing the set as it grows."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.core import progress
from nucleate.core.errors import ResultsError
from nucleate.core.files import write_text
from nucleate.core.parallel import map_ordered
from nucleate.core.quiet import silenced
from nucleate.crystals.energy.relaxation import relax_structures
from nucleate.datasets.resumable import LineLog
from nucleate_data.prototypes import assemble
from nucleate_data.prototypes.card import card
from nucleate_data.prototypes.plan import MAXIMUM_ATOMS, Job, by_index, library, plan

if TYPE_CHECKING:
    from pymatgen.core import Structure

log = logging.getLogger(__name__)

MAXIMUM_STEPS = 40
FORCE_THRESHOLD = 0.1
"""eV/A, and eV per atom for the virial."""
LEAST_START_VOLUME = 6.0
"""A^3 per atom; the predictor wants some molecular prototypes denser than diamond."""
CHUNK = 24
"""Jobs per unit of work."""
ASSEMBLE_EVERY = 480
"""Jobs after which the parquet is written anew."""


def build_prototypes(
    out: Path, work: Path, count: int, processes: int, seed: int
) -> dict[str, Any]:
    """Make the crystal set and write it, again and again as it grows.

    Args:
        out: parquet to write.
        work: folder that results are kept in; the same command goes on from there.
        count: crystals wanted; the plan holds twice as many jobs and the run stops early.
        processes: worker processes, each with one thread.
        seed: of the plan.

    Returns:
        Plain numbers: crystals written, jobs done, seconds of this run.

    Raises:
        ResultsError: the work folder or `out` cannot be written.
    """
    started = time.perf_counter()
    file = work / f"relaxed-{seed}-{count}.jsonl"
    try:
        work.mkdir(parents=True, exist_ok=True)
        jobs = _kept_plan(work / f"plan-{seed}-{count}.json", count, seed)
        written, done = _run(_Target(out, count, seed), jobs, file, processes)
    except OSError as error:
        raise ResultsError(f"{file}: cannot be written ({error.strerror or error})") from error
    seconds = round(time.perf_counter() - started, 1)
    log.info("%d crystals from %d jobs in %s", written, done, out)
    return {"crystals": written, "jobs": done, "seconds": seconds}


def _kept_plan(file: Path, count: int, seed: int) -> list[Job]:
    """The plan, kept beside the results so that other versions of a library cannot change it."""
    if not file.exists():
        write_text(file, json.dumps([asdict(job) for job in plan(2 * count, seed)]))
    return [Job(**job) for job in json.loads(file.read_text(encoding="utf-8"))]


@dataclass
class _Target:
    """The parquet, its card, and what has been canonicalised for them so far."""

    out: Path
    count: int
    seed: int
    canonical: dict[int, Any] = field(default_factory=dict)

    def write(self, done: Mapping[int, Mapping[str, Any]]) -> int:
        """Write both anew; number of crystals."""
        rows = assemble.write_set(done, self.out, self.canonical)
        text = card(
            rows,
            count=self.count,
            seed=self.seed,
            jobs=len(done),
            converged=sum("lattice" in row for row in done.values()),
            atoms=MAXIMUM_ATOMS,
            force=FORCE_THRESHOLD,
            steps=MAXIMUM_STEPS,
            tolerance=assemble.TOLERANCE,
            above=assemble.MAXIMUM_ABOVE_HULL,
            polymorphs=assemble.POLYMORPHS_OF_ELEMENT,
        )
        write_text(self.out.with_suffix(".md"), text)
        log.info("%d crystals in %s", len(rows), self.out)
        return len(rows)


def _run(target: _Target, jobs: Sequence[Job], file: Path, processes: int) -> tuple[int, int]:
    """Work through the plan until there are enough crystals; crystals written and jobs done."""
    with LineLog(file) as results:
        return _relax(target, jobs, results, processes)


def _relax(
    target: _Target, jobs: Sequence[Job], results: LineLog, processes: int
) -> tuple[int, int]:
    done: dict[int, dict[str, Any]] = {row["job"]: row for row in results.rest()}
    left = [job for job in jobs if job.number not in done]
    log.info("%d jobs planned, %d done before", len(jobs), len(done))
    started = time.perf_counter()
    since = 0
    with progress.bar(description="crystals relaxed", total=len(jobs), unit="crystal") as shown:
        shown.update(len(done))
        written = target.write(done) if done else 0
        chunks = [left[start : start + CHUNK] for start in range(0, len(left), CHUNK)]
        for rows in map_ordered(
            make,
            chunks if written < target.count else [],
            processes=processes,
            initializer=prepare,
        ):
            results.write(*rows)
            done |= {row["job"]: row for row in rows}
            good = sum("lattice" in row for row in rows)
            seconds = time.perf_counter() - started
            log.info("%d jobs, last %d gave %d, %.0f s", len(done), len(rows), good, seconds)
            shown.update(len(rows))
            since += len(rows)
            if since >= ASSEMBLE_EVERY:
                since, written = 0, target.write(done)
                if written >= target.count:
                    break
    return target.write(done) if since else written, len(done)


def prepare() -> None:
    """Load what a worker needs, once."""
    library()


def start_structure(job: Job) -> Structure:
    """The prototype with the job's elements, at the volume predicted from data-mined bonds."""
    from pymatgen.analysis.structure_prediction.volume_predictor import DLSVolumePredictor

    structure = by_index()[job.prototype].structure.copy()
    structure.replace_species(job.elements)
    with silenced():
        predictor = DLSVolumePredictor(min_scaling=0.15, max_scaling=5.0)
        structure = predictor.get_predicted_structure(structure)
    structure.scale_lattice(max(structure.volume, LEAST_START_VOLUME * len(structure)))
    return structure


def make(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Relax a chunk of jobs. Each gives one plain row; a failure is a row with a reason."""
    structures: list[Structure] = []
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    for job in jobs:
        row = asdict(job)
        row["job"] = row.pop("number")
        try:
            structures.append(start_structure(job))
            places.append(len(rows))
        except Exception as error:  # the predictor raises bare exceptions of many kinds
            row["reason"] = f"no volume could be predicted: {error}"
        rows.append(row)
    relaxed = relax_structures(structures, fmax=FORCE_THRESHOLD, maximum_steps=MAXIMUM_STEPS)
    for place, one in zip(places, relaxed, strict=True):
        row = rows[place]
        row |= {"steps": one.steps, "reason": one.reason, "energy": one.energy}
        if one.structure is not None and one.converged:
            row["lattice"] = np.round(one.structure.lattice.matrix, 6).tolist()
            row["numbers"] = list(one.structure.atomic_numbers)
            row["coordinates"] = np.round(one.structure.frac_coords, 7).tolist()
    return rows
