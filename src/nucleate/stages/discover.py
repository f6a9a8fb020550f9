"""The main job: every stage for every kind of matter, one after the other, then the report.

The Prefect flow and the command line share this module: it says what the stages are and in which
order, and takes a hook through which a caller may wrap each stage (a Prefect task, a line on the
terminal). For the layout of the results see `nucleate.stages.run_folder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.core.errors import NucleateError, ResultsError
from nucleate.core.files import code_version, digest, read_json, write_text
from nucleate.core.manifest import MANIFEST_NAME, Manifest, StageNotCurrent, only_current
from nucleate.core.progress import phase
from nucleate.datasets.sources import resolve
from nucleate.latent.pretrained import start_folder
from nucleate.settings.run import DiscoverSettings, PipelineSettings
from nucleate.stages.run_folder import Run, open_run

PAGE_NAME = "report.html"


@dataclass(frozen=True)
class StageCall:
    """One stage of one kind of matter, ready to be called.

    Attributes:
        settings: of the whole run.
        matter: kind of matter.
        stage: the verb.
        done: manifests, by stage, of all the stages before this one.
    """

    settings: DiscoverSettings
    matter: str
    stage: str
    done: Mapping[str, Manifest]

    @property
    def folder(self) -> Path:
        """Where the stage writes."""
        return Path(self.settings.results) / self.settings.run / self.matter / self.stage

    @property
    def pipeline(self) -> PipelineSettings:
        """The settings of this kind of matter."""
        return self.settings.matter[self.matter]

    def __call__(self) -> Manifest:
        """Do the stage's work, or nothing if its folder is current."""
        return STAGES[self.stage](self)


Hook = Callable[[StageCall], Manifest]
"""Calls a stage and returns its manifest; may announce, time or retry it."""


# One function per stage. Each imports what it needs: the stages bring heavy libraries of their own.


def _featurize(call: StageCall) -> Manifest:
    from nucleate.stages.featurize import featurize

    settings, training = call.settings, call.pipeline.train
    return featurize(
        call.pipeline.featurize,
        call.matter,
        call.folder,
        seed=settings.seed,
        mirror=settings.mirror,
        start=start_folder(training.start, call.matter),
        extend=training.start_extend,
    )


def _train(call: StageCall) -> Manifest:
    from nucleate.stages.train import train

    return train(call.pipeline.train, call.done["featurize"], call.folder, **_common(call))


def _sample(call: StageCall) -> Manifest:
    from nucleate.stages.sample import sample

    return sample(call.pipeline.sample, call.done["train"], call.folder, **_common(call))


def _optimize(call: StageCall) -> Manifest:
    from nucleate.stages.optimize import optimize

    done = call.done
    return optimize(
        call.pipeline.optimize, done["train"], done["featurize"], call.folder, **_common(call)
    )


def _screen(call: StageCall) -> Manifest:
    from nucleate.stages.screen import screen

    done = call.done
    return screen(
        call.pipeline.screen,
        [done["sample"], done["optimize"]],
        done["featurize"],
        call.folder,
        objectives=call.pipeline.optimize.objectives,
        mirror=call.settings.mirror,
        model=done["train"],
        **_common(call),
    )


def _common(call: StageCall) -> dict[str, Any]:
    settings = call.settings
    return {"matter_name": call.matter, "seed": settings.seed, "device": settings.device}


STAGES: dict[str, Callable[[StageCall], Manifest]] = {
    "featurize": _featurize,
    "train": _train,
    "sample": _sample,
    "optimize": _optimize,
    "screen": _screen,
}
"""In the order in which they run for each kind of matter."""


def fetch_all(settings: DiscoverSettings) -> list[Path]:
    """Have every dataset file of the run here, verified, before any work starts.

    The stages fetch what they lack themselves; but so everything that needs a network happens
    first, and can be tried again.

    Raises:
        DatasetError: unknown, or cannot be fetched.
        InputError: a person's own file does not exist.
    """
    found = []
    for matter in enabled_matter(settings):
        pipeline = settings.matter[matter]
        for dataset in (pipeline.featurize.dataset, *pipeline.screen.reference):
            found += [source.path for source in resolve(dataset, matter, settings.mirror)]
    return found


def run_matter(run: Run, matter: str, hook: Hook) -> None:
    """All stages of one kind of matter; what they wrote is recorded in the run's manifest."""
    done: dict[str, Manifest] = {}
    run.stages[matter] = done
    for stage in STAGES:
        done[stage] = hook(StageCall(run.settings, matter, stage, dict(done)))
        run.write_manifest("running")
    run.publish(matter)


def enabled_matter(settings: DiscoverSettings) -> list[str]:
    """Kinds of matter that a run works on, in the settings' order."""
    return [name for name, pipeline in settings.matter.items() if pipeline.enabled]


def run_all(run: Run, matter_runner: Callable[[str], None]) -> Path:
    """Every kind of matter, then the report; one kind's failure does not stop the others.

    Args:
        matter_runner: runs the stages of one kind of matter.

    Returns:
        The report's path.

    Raises:
        NucleateError: of the first kind of matter that failed, after the others are done.
    """
    first: NucleateError | None = None
    for matter in enabled_matter(run.settings):
        try:
            matter_runner(matter)
        except NucleateError as error:
            run.failures[matter] = str(error)
            first = first or error
    run.write_manifest("failed" if first else "finished")
    try:
        with phase("write the report"):
            page = report(run.folder)
    except ResultsError as error:
        raise first or error from None
    if first is not None:
        raise first
    return page


def report(run_folder: Path, *, fresh: bool = False) -> Path:
    """Write the page of a run, unless the one that is there shows the same.

    Args:
        fresh: write it in any case.

    Returns:
        Path of `report.html`.

    Raises:
        ResultsError: not a run's folder, a damaged file in it, or it cannot be written.
    """
    from nucleate.report.collect import collect

    data, page = collect(run_folder), run_folder / PAGE_NAME
    stages = {m.name: {s: v["key"] for s, v in m.stages.items()} for m in data.matter}
    failures = {m.name: m.failure for m in data.matter}
    key = digest([stages, failures, data.settings, code_version()])
    if fresh or not _shows(page, key):
        from nucleate.report.page import render

        write_text(page, render(data, key))
    return page


def _shows(page: Path, key: str) -> bool:
    """Whether the page was made for that key, which stands near its top."""
    try:
        with page.open(encoding="utf-8") as file:
            return key in file.read(2000)
    except (OSError, UnicodeDecodeError):
        return False


def finished_page(settings: DiscoverSettings) -> Path | None:
    """The report of a finished run with these settings whose every stage is current, else None."""
    folder = Path(settings.results) / settings.run
    page = folder / PAGE_NAME
    try:
        if not page.is_file() or read_json(folder / MANIFEST_NAME).get("state") != "finished":
            return None
        with only_current():
            for matter in enabled_matter(settings):
                done: dict[str, Manifest] = {}
                for stage in STAGES:
                    done[stage] = StageCall(settings, matter, stage, dict(done))()
    except (StageNotCurrent, NucleateError):
        return None
    return page


def discover(
    settings: DiscoverSettings, *, fresh: bool = False, run_stage_hook: Hook | None = None
) -> Path:
    """Discover candidates: all stages for all kinds of matter, in this process.

    Args:
        fresh: start anew instead of resuming.
        run_stage_hook: wraps each stage.

    Returns:
        Path of `report.html`.

    Raises:
        NucleateError: see the stages.
    """
    hook: Hook = run_stage_hook or (lambda call: call())
    with open_run(settings, fresh=fresh) as run:
        fetch_all(settings)
        return run_all(run, lambda matter: run_matter(run, matter, hook))
