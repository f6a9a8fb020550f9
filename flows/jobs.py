"""Single jobs as Prefect flows: featurize, train, generate, optimize, screen, loop.

Their parameters are the settings of the stages, so that Prefect's page shows them as a form, and
refuses an impossible value or a misspelt key before a run starts. What a stage does is said in
`nucleate.stages`; a job that was killed goes on where it was when it is started again.
`discover_flow.py` beside this file has the whole pipeline, `serve.py` serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from artifacts import is_fetch_failure, show_funnel
from nucleate.core.errors import NucleateError
from nucleate.core.files import read_json
from nucleate.core.manifest import Manifest, load_manifest
from nucleate.core.settings import Device
from nucleate.latent.pretrained import find_manifest, start_folder
from nucleate.matter import registry
from nucleate.report.formatting import number, words
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.settings.model import TrainSettings
from nucleate.settings.sample import SampleSettings
from nucleate.settings.screen import ScreeningSettings, ScreenSettings
from nucleate.settings.study import StudySettings

T = TypeVar("T")
Seed = Annotated[int, Field(description="Seed of all randomness.")]
Out = Annotated[str, Field(description="Folder to write to, relative to the working folder.")]
SHOWN = 20
"""Candidates in an artifact."""


@task(
    name="work",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=is_fetch_failure,
)
def work(call: Callable[[], T]) -> T:
    """Do a job's work; a dataset that cannot be fetched is tried again."""
    return call()


def _do(name: str, call: Callable[[], T]) -> T:
    """Do a piece of work under a name of its own."""
    return work.with_options(name=name, task_run_name=name)(call)


def _report(title: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Show figures as an artifact; returns them."""
    plain = {key: value for key, value in figures.items() if not isinstance(value, (list, dict))}
    lines = [f"- {words(key)}: {value}" for key, value in plain.items()]
    create_markdown_artifact("\n".join([f"## {title}", "", *lines]), key=f"{title}-figures")
    return dict(figures)


@flow(name="featurize", flow_run_name="featurize {out}")
def featurize(
    matter: str,
    out: Out,
    settings: FeaturizeSettings,
    seed: Seed = 0,
    start: str = "none",
    mirror: str | None = None,
) -> dict[str, Any]:
    """Standardise, deduplicate and split structures, and turn them into arrays.

    Args:
        matter: kind of matter, `molecules` or `crystals`.
        start: a model whose codec is taken.
        mirror: folder that already holds datasets.
    """
    from nucleate.stages.featurize import featurize as run

    def call() -> Manifest:
        folder = start_folder(start, matter)
        return run(settings, matter, Path(out), seed=seed, start=folder, mirror=mirror)

    return _report("featurize", _do("featurize", call).metrics)


@flow(name="train", flow_run_name="train {out}")
def train(
    features: str,
    out: Out,
    settings: TrainSettings = TrainSettings(),  # noqa: B008 (frozen)
    seed: Seed = 0,
    device: Device = "auto",
) -> dict[str, Any]:
    """Train a model on a featurized set.

    Args:
        features: folder of the featurized set.
    """
    from nucleate.stages.train import train as run

    manifest = load_manifest(Path(features), "featurize")
    trained = _do(
        "train",
        lambda: run(
            settings, manifest, Path(out), matter_name=manifest.matter, seed=seed, device=device
        ),
    )
    return _report("train", trained.metrics)


@flow(name="generate", flow_run_name="generate {out}")
def generate(
    out: Out,
    model: str = "molecules",
    settings: SampleSettings = SampleSettings(),  # noqa: B008 (frozen)
    gate: ScreenSettings | None = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> dict[str, Any]:
    """Draw candidates, under conditions if there are any, and let through what passes the gate.

    Args:
        model: a trained model's folder or a shipped model's name.
        gate: the funnel that they must pass; none if not given.
    """
    from nucleate.stages.sample import sample_to
    from nucleate.stages.screen import screen_file

    folder = Path(out)
    figures = _do(
        "draw", lambda: sample_to(Path(model), settings.count, seed, folder, settings, device)
    )
    if gate is None:
        return _report("generate", figures)
    drawn = DatasetSettings(source=str(folder / figures["file"]))
    screened = _do(
        "gate",
        lambda: screen_file(
            gate,
            drawn,
            folder / "screened",
            matter_name=find_manifest(Path(model)).matter,
            seed=seed,
            device=device,
        ),
    )
    _show_screening(screened)
    return _report("generate", {**figures, **screened.metrics})


@flow(name="optimize", flow_run_name="optimize {settings.out}")
def optimize(
    settings: StudySettings, trials_per_round: Annotated[int, Field(ge=1)] = 500
) -> dict[str, Any]:
    """Search in rounds until the study's trials are spent; what it found is written after each.

    With `settings.storage` any number of runs of this flow share one study.
    """
    from nucleate.stages.jobs import run_search

    figures: dict[str, Any] = {}
    ends = [*range(trials_per_round, settings.trials, trials_per_round), settings.trials]
    for done in ends:
        part = settings.model_copy(update={"trials": done})
        _, manifest = _do(f"trials to {done}", partial(run_search, part))
        summary = read_json(manifest.path("summary.json"))
        figures = _report("optimize", {**manifest.metrics, "stopped": summary["stopped"]})
        if manifest.metrics["trials"] < done:  # nothing new, or no patience
            get_run_logger().info("stopped: %s", summary["stopped"])
            break
    return figures


@flow(name="screen", flow_run_name="screen {settings.out}")
def screen(settings: ScreeningSettings, mirror: str | None = None) -> dict[str, Any]:
    """Put structures through the funnel of checks; every rejection has a reason."""
    from nucleate.stages.jobs import run_screening

    screened = _do("screen", lambda: run_screening(settings, mirror=mirror))
    _show_screening(screened)
    return _report("screen", screened.metrics)


@flow(name="loop", flow_run_name="loop {study}")
def loop(
    study: str,
    inbox: str | None = None,
    number: Annotated[int, Field(ge=1)] = 24,
    device: Device | None = None,
    mirror: str | None = None,
) -> dict[str, Any]:
    """Tell a study every table of results that has come, and propose a batch if none is waiting.

    Meant for a schedule: a run without new results and with proposals that wait does nothing.

    Args:
        study: its TOML file or folder.
        inbox: folder into which tables of results are put; `inbox` in the study's folder if not
            given. A table may stay there: what was told once is known.
        number: structures of a batch.
    """

    def call() -> dict[str, Any]:
        from nucleate.campaign.status import status
        from nucleate.stages.campaign import open_campaign

        told, refused = 0, {}
        with open_campaign(Path(study), device=device, mirror=mirror) as campaign:
            place = Path(inbox) if inbox else campaign.folder / "inbox"
            place.mkdir(parents=True, exist_ok=True)
            for table in sorted(path for path in place.iterdir() if path.is_file()):
                try:
                    told += len(campaign.tell(table).entries)
                except NucleateError as error:  # one bad table holds up no other
                    refused[table.name] = str(error)
            waiting = len(status(campaign)["waiting"])
            batch = None if waiting else campaign.propose(number)
            return {
                "told": told,
                "tables refused": refused,
                "waiting": waiting,
                "proposed": 0 if batch is None else len(batch.proposals),
                "table": "" if batch is None else str(campaign.table(batch)),
            }

    found = _do("loop", call)
    for name, reason in found["tables refused"].items():
        get_run_logger().warning("%s was refused: %s", name, reason)
    return _report("loop", found)


def _show_screening(manifest: Manifest) -> None:
    """Show the funnel and the best candidates as artifacts."""
    import pandas as pd

    show_funnel(read_json(manifest.path("funnel.json")), "funnel")
    column = registry.get(manifest.matter).structure_column
    best = pd.read_parquet(manifest.path("candidates.parquet")).head(SHOWN)
    shown = [
        {"candidate": str(row[column]), "score": number(row.get("score"))}
        for row in best.to_dict("records")
    ]
    create_table_artifact(shown or [{"candidate": "none passed"}], key="candidates")
