"""`nucleate benchmark pmo`: searchers compared by the protocol of Practical Molecular Optimization.

Gao et al. (NeurIPS 2022, arXiv:2206.12411): 10,000 calls of an oracle, every distinct molecule one
call; the merit is how good the best ten are on average over those calls (see `pmo_auc`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from nucleate.core.errors import SettingsError
from nucleate.core.files import digest, write_text
from nucleate.core.parallel import Failure, default_processes, map_fresh
from nucleate.core.settings import Device, Positive, Settings
from nucleate.settings.evolution import EvolutionSettings
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.molecules.data import RECORDS, load
from nucleate_benchmarks.search import pmo_report
from nucleate_benchmarks.search.pmo_auc import Measured
from nucleate_benchmarks.search.pmo_record import RunTask, finished_summary
from nucleate_benchmarks.search.pmo_run import (
    DATA_HEADER,
    beside,
    check_known,
    check_model,
    run_in_process,
)

Echo = Callable[[str], None]
Name = Annotated[str, Field(pattern=r"^\w[\w.+-]*$")]
"""Names files."""
ALL = "all"
NO_MODEL = "none"
SEARCHERS = "nucleate_benchmarks.search.contenders:build_searcher"
ORACLES = "nucleate.molecules.oracles.pmo:oracle"


class PmoSettings(Settings):
    """Which searchers on which oracles, how often and how long."""

    samplers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Searchers to measure: ours, controls, and samplers of Optuna over boxes."""
    data: str
    """Training molecules, which searches start from: a file, a catalogued set (its training part),
    or the folder of `nucleate featurize`."""
    oracles: Annotated[tuple[Name, ...], Field(min_length=1)] = (ALL,)
    """Oracles by name; `all` of them."""
    definitions: Literal["pmo", "guacamol"] = "pmo"
    """Of the oracles: as behind PMO's published table, or GuacaMol's own."""
    budget: Positive = 10_000
    """Calls of the oracle in each run; a searcher spends the first 200 on training molecules."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 1, 2)
    """Seeds of the runs."""
    batch: Positive = 50
    """Structures that a searcher is asked for at once."""
    model: str = "molecules"
    """A model's folder or a shipped model's name; `none` for searchers that need none."""
    work: str = "work/pmo"
    """Folder of the runs' calls, with which a killed run goes on."""
    start: bool = True
    """Do what is not done; else only report what there is."""
    mirror: str | None = None
    """Folder that holds dataset files already."""
    limit: Positive | None = None
    """Use only the first training molecules."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    processes: Positive | None = None
    """Runs side by side; as many as cores."""
    searcher_source: str = SEARCHERS
    """`module:function` that makes the `Searcher` of a `SearchTask`, as `build_searcher` does."""
    oracle_source: str = ORACLES
    """`module:function` that builds an oracle; its module's `ORACLES` are all of them."""


@dataclass(frozen=True)
class TrainingData:
    """The file of canonical SMILES that runs read, its content's digest and what is in it."""

    path: Path
    digest: str
    summary: dict[str, Any]


def training_data(settings: PmoSettings, processes: int, echo: Echo) -> TrainingData:
    """Canonical training molecules, kept in the work folder.

    Raises:
        InputError, DatasetError: they cannot be had.
    """
    import json

    import rdkit

    source = Path(settings.data).expanduser()
    read = source / RECORDS if source.is_dir() else source
    stamp = [read.stat().st_size, read.stat().st_mtime_ns] if read.is_file() else []
    key = digest([settings.data, stamp, settings.mirror, settings.limit, rdkit.__version__])
    path = Path(settings.work) / f"data-{key[:12]}.smi"
    if not path.exists():
        echo(f"read training molecules from {settings.data}")
        found = load(settings.data, "train", settings.mirror, processes, settings.limit)
        header = {**found.summary(), "digest": digest(found.smiles)}
        write_text(path, "\n".join([DATA_HEADER + json.dumps(header), *found.smiles, ""]))
    with path.open(encoding="utf-8") as file:
        summary = json.loads(file.readline().removeprefix(DATA_HEADER))
    return TrainingData(path, summary.pop("digest"), summary)


class PmoBenchmark:
    """The runs that settings ask for, and their report.

    Args:
        echo: told what is being done.
    """

    def __init__(self, settings: PmoSettings, echo: Echo):
        self.settings, self.echo = settings, echo
        self.processes = settings.processes or default_processes()
        self.errors: dict[RunTask, str] = {}

    @cached_property
    def oracles(self) -> list[str]:
        """Names of the oracles.

        Raises:
            SettingsError: one is unknown.
        """
        known = beside(self.settings.oracle_source, "ORACLES") or []
        given = list(dict.fromkeys(self.settings.oracles))
        if given == [ALL]:
            if not known:
                raise SettingsError(f"{self.settings.oracle_source}: does not say what `all` are")
            return known
        check_known("oracle", given, known)
        return given

    @cached_property
    def samplers(self) -> list[str]:
        """Names of the searchers; see `oracles`."""
        given = list(dict.fromkeys(self.settings.samplers))
        check_known("sampler", given, beside(self.settings.searcher_source, "SEARCHERS") or [])
        model = None if self.settings.model == NO_MODEL else self.settings.model
        if self.settings.start:
            check_model(self.settings.searcher_source, given, model)
        return given

    @cached_property
    def data(self) -> TrainingData:
        return training_data(self.settings, self.processes, self.echo)

    @cached_property
    def model(self) -> dict[str, str]:
        """Name and digest of the model; empty without one."""
        from nucleate.latent.pretrained import model_digest, model_folder

        if self.settings.model == NO_MODEL:
            return {}
        found = model_digest(model_folder(self.settings.model))
        return {"name": self.settings.model, "digest": found}

    @cached_property
    def tasks(self) -> list[RunTask]:
        """All runs, seed by seed, so that early figures are of all oracles."""
        s = self.settings
        return [
            RunTask(
                oracle=oracle,
                definitions=s.definitions,
                sampler=sampler,
                seed=seed,
                budget=s.budget,
                batch=s.batch,
                model=self.model.get("name"),
                model_digest=self.model.get("digest", ""),
                device=s.device,
                data=str(self.data.path),
                data_digest=self.data.digest,
                work=s.work,
                searchers=s.searcher_source,
                oracles=s.oracle_source,
            )
            for seed in dict.fromkeys(s.seeds)
            for oracle in self.oracles
            for sampler in self.samplers
        ]

    def head(self, command: str) -> dict[str, Any]:
        """Everything that a figure must carry besides itself."""
        s = self.settings
        return {
            **figures.surroundings(command),
            "model": self.model or NO_MODEL,
            "training set": self.data.summary,
            "definitions": s.definitions,
            "budget": s.budget,
            "batch": s.batch,
            "seeds": list(dict.fromkeys(s.seeds)),
            "samplers": self.samplers,
        }

    def run_all(self, ended: Callable[[], object]) -> None:
        """Do every run that has not ended; one that fails is noted and the others go on."""
        left = [task for task in self.tasks if finished_summary(task) is None]
        many = len(self.tasks)
        at_once = f", {min(self.processes, len(left))} at once" if left else ""
        self.echo(f"{many} {'run' if many == 1 else 'runs'}, {len(left)} to do{at_once}")
        initial = EvolutionSettings().initial
        ours = self.settings.searcher_source == SEARCHERS
        if left and ours and self.settings.budget <= initial:
            self.echo(
                f"note: searchers that learn first ask about {initial} training molecules; with "
                f"{self.settings.budget:,} calls they ask about nothing else"
            )
        for done, (task, kind, value) in enumerate(run_side_by_side(left, self.processes), 1):
            if kind == "failed":
                self.errors[task] = value
                said = f"failed: {value}"
            else:
                said = f"{value['calls']:,} calls, {value['seconds'] / 60:.1f} min"
            self.echo(f"{done} of {len(left)}: {task.name}: {said}")
            ended()


def run_side_by_side(
    tasks: Sequence[RunTask], processes: int
) -> Iterator[tuple[RunTask, str, Any]]:
    """Runs in processes of their own, so many at once.

    Yields:
        As they end: the task, and `done` with the summary or `failed` with what happened.
    """
    for task, found in map_fresh(run_in_process, tasks, processes=processes):
        kind, value = ("failed", found.reason) if isinstance(found, Failure) else found
        yield task, kind, value


def run(
    settings: PmoSettings, out: Path, command: str, echo: Echo = lambda _: None
) -> tuple[dict[str, Any], list[Path]]:
    """Do the runs, and write `OUT.json`, `OUT.md` and `OUT.svg` whenever one has ended.

    Args:
        command: the line that people can repeat.
        echo: told what is being done.

    Returns:
        What the JSON file holds (`failed`: the runs that did), and the paths.

    Raises:
        SettingsError: an oracle or a sampler is unknown, or a sampler needs a model.
        InputError, DatasetError, CheckpointError: training molecules or the model cannot be had.
        ResultsError: the files cannot be written, or those of a run are damaged or of another
            model or other data.
    """
    benchmark = PmoBenchmark(settings, echo)
    # Before hours of work: what cannot be had is said at once, before anything is read.
    _ = benchmark.oracles, benchmark.samplers
    tasks, head = benchmark.tasks, benchmark.head(command)
    measure = Measured()

    def report() -> tuple[dict[str, Any], list[Path]]:
        return pmo_report.write(out, head, measure.all(tasks), benchmark.errors)

    if settings.start:
        benchmark.run_all(report)
    return report()
