"""Verbs of whole stages: featurize, train, finetune, screen, discover, propose, tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from nucleate.api.arguments import PLACE, column_names, model_place, whole_seed
from nucleate.api.search_verbs import objective_terms
from nucleate.api.structure_table import StructureTable, structure_table
from nucleate.api.structures import written_structures
from nucleate.core.files import read_json
from nucleate.core.manifest import Manifest, load_manifest
from nucleate.core.settings import merge, validate
from nucleate.datasets import tables
from nucleate.latent.latent_model import LatentModel
from nucleate.latent.pretrained import find_manifest, matter_of, model_folder
from nucleate.matter import registry
from nucleate.screening.funnel import NOT_JUDGED
from nucleate.settings.data import FeaturizeSettings
from nucleate.settings.model import FinetuneSettings, TrainSettings
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.run import DiscoverSettings
from nucleate.settings.screen import ScreenSettings
from nucleate.stages.campaign import open_campaign
from nucleate.stages.discover import discover as discover_stage
from nucleate.stages.featurize import featurize as featurize_stage
from nucleate.stages.finetune.finetune import finetune as finetune_stage
from nucleate.stages.run_settings import check_settings, load_settings
from nucleate.stages.screen import screen_file
from nucleate.stages.train import train as train_stage

WRITTEN = "structures.parquet"
"""Where structures that are no file are written, so that stages may read and resume them."""


def featurize(
    structures: Any,
    out: str | Path,
    *,
    matter: str = "molecules",
    properties: str | Sequence[str] = (),
    seed: int = 0,
    **settings: Any,
) -> Manifest:
    """Standardise, deduplicate and split structures, and turn them into arrays.

    Args:
        structures: see `encode`; at least ten of them.
        out: folder to write to.
        matter: `molecules`, `crystals` or another installed kind of matter.
        properties: columns of the table or file to keep.
        settings: keys of `FeaturizeSettings` (`split`, `codec`, `standardise`, `processes` ...).

    Returns:
        The stage's manifest, for `train`: `folder`, and counts in `metrics`.

    >>> import nucleate, tempfile
    >>> smiles = ["C" * n + "O" for n in range(1, 13)] + ["no molecule"]
    >>> features = nucleate.featurize(smiles, tempfile.mkdtemp(), split={"test": 1}, processes=1)
    >>> features.metrics["accepted"], features.metrics["rejected"]
    (12, {'unparsable': 1})
    """
    kind, folder = registry.get(matter), Path(out)
    columns = column_names(properties)
    dataset = written_structures(structures, kind, folder / WRITTEN, properties=columns)
    chosen = validate(FeaturizeSettings, {"dataset": dataset, **settings}, PLACE)
    return featurize_stage(chosen, matter, folder, seed=whole_seed(seed))


def train(
    features: Manifest | str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> LatentModel:
    """Train the variational autoencoder and the prior over its latent space.

    Args:
        features: what `featurize` gave, or its folder.
        out: folder to write to; a killed training goes on where it was.
        settings: keys of `TrainSettings` (`epochs`, `network`, `start`, `prior` ...).

    Returns:
        The trained model; its figures are in `info["figures"]`.

    >>> import nucleate, tempfile
    >>> smiles = ["C" * n + "O" for n in range(1, 13)]
    >>> features = nucleate.featurize(smiles, tempfile.mkdtemp(), processes=1)
    >>> small = {"network": {"width": 16, "latent": 8}, "prior": {"steps": 20, "width": 16}}
    >>> model = nucleate.train(features, tempfile.mkdtemp(), epochs=1, **small)
    >>> model.size, len(nucleate.sample(model, 3)) <= 3
    (8, True)
    """
    manifest = (
        features if isinstance(features, Manifest) else load_manifest(Path(features), "featurize")
    )
    chosen = validate(TrainSettings, settings, PLACE)
    made = train_stage(
        chosen,
        manifest,
        Path(out),
        matter_name=manifest.matter,
        seed=whole_seed(seed),
        device=device,
    )
    return LatentModel.load(made.folder, device)


def finetune(
    structures: Any,
    out: str | Path,
    *,
    model: str | Path | LatentModel = "molecules",
    properties: str | Sequence[str] = (),
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> LatentModel:
    """Fine-tune a model on structures of your own; what it gained and cost is measured.

    Args:
        structures: see `encode`.
        out: folder to write the new model to.
        model: which to start from.
        properties: measured columns for which property heads are fitted.
        settings: keys of `FinetuneSettings` (`epochs`, `frozen`, `maximum_forgetting` ...).

    Returns:
        The new model; `info["figures"]` has the figures `before` and `after`.

    >>> import nucleate, tempfile
    >>> quick = {"epochs": 1, "base_set": 20, "samples": 20, "prior_steps": 20, "rehearsal": 0.5}
    >>> smiles = ["C" * n + "c1ccccc1" for n in range(1, 21)]
    >>> model = nucleate.finetune(smiles, tempfile.mkdtemp(), frozen=True, processes=1, **quick)
    >>> sorted(model.info["figures"]["structures"])
    ['test', 'train', 'validation']
    """
    folder, base = Path(out), model_folder(model_place(model))
    kind = registry.get(matter_of(base))
    columns = column_names(properties)
    dataset = written_structures(structures, kind, folder / WRITTEN, properties=columns)
    chosen = validate(FinetuneSettings, {"dataset": dataset, **settings}, PLACE)
    made = finetune_stage(chosen, base, folder, seed=whole_seed(seed), device=device)
    return LatentModel.load(made.folder, device)


def screen(
    structures: Any,
    *,
    matter: str = "molecules",
    objectives: Any = (),
    features: Manifest | None = None,
    model: str | Path | LatentModel | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> StructureTable:
    """Put structures through the funnel of checks; every rejection has a reason.

    Args:
        structures: see `encode`.
        matter: kind of matter.
        objectives: what ranks the survivors, see `optimize`; the kind of matter's default if none.
        features: what `featurize` gave: these structures are known.
        model: adds how surely that model rebuilds each candidate.
        out: folder for all files of a screening; nothing is kept if not given.
        settings: keys of `ScreenSettings` (`checks`, `budget`, `reference`, `processes` ...).

    Returns:
        One row for each different structure, candidates first and ranked: `passed` (every check
        judged it and none turned it away), `not_judged` (the checks that could not judge a
        candidate), `rejected_by`, `reason` and every check's value. `source_id` holds the labels of
        the rows that it was given in (`0+3`). `attrs["summary"]` holds the funnel.

    >>> import nucleate
    >>> checks = ["parses", "size", "alerts"]
    >>> table = nucleate.screen(["CCOc1ccc(CC(=O)NC)cc1", "C", "no molecule"], checks=checks)
    >>> table["passed"].tolist()
    [True, False, False]
    >>> sorted(table["rejected_by"].dropna())
    ['size', 'standardise']
    """
    kind = registry.get(matter)
    terms = tuple(validate(PropertySettings, one, PLACE) for one in objective_terms(objectives))
    with ExitStack() as stack:
        folder = Path(out or stack.enter_context(TemporaryDirectory(prefix="nucleate-")))
        source = written_structures(structures, kind, folder / WRITTEN)
        made = screen_file(
            validate(ScreenSettings, {"keep": 0, **settings}, PLACE),
            source,
            folder,
            matter_name=matter,
            seed=whole_seed(seed),
            objectives=terms,
            features=features,
            device=device,
            model=None if model is None else find_manifest(model_place(model)),
        )
        passed = tables.read(made.path("candidates.parquet")).to_pandas()
        rejected = tables.read(made.path("rejected.parquet")).to_pandas()
        summary = read_json(made.path("funnel.json"))
    judged = passed[NOT_JUDGED].isna()
    parts = [passed.assign(passed=judged), rejected.assign(passed=False)]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return structure_table(kind, rows, summary=summary)


def discover(
    settings: str | Path | Mapping[str, Any] | DiscoverSettings,
    *,
    fresh: bool = False,
    **more: Any,
) -> pd.DataFrame:
    """Run every stage for every kind of matter; the same call resumes a stopped run.

    Args:
        settings: a settings file (`flows/discover.toml`), or its content.
        fresh: start anew instead of resuming.
        more: keys of `DiscoverSettings` that win: `run`, `results`, `seed`, `device`.

    Returns:
        The candidates, ranked. `attrs` has the `folder` of the run and its `report`, a page.

    >>> import nucleate, tempfile
    >>> nucleate.discover({"results": tempfile.mkdtemp(), "matter": {}})
    Traceback (most recent call last):
        ...
    nucleate.core.errors.SettingsError: keyword arguments: no kind of matter is enabled
    """
    if isinstance(settings, (str, Path)):
        chosen = load_settings(Path(settings), **more)
    else:
        plain = settings.model_dump() if isinstance(settings, DiscoverSettings) else settings
        chosen = validate(DiscoverSettings, merge(plain, more), PLACE)
        check_settings(chosen, PLACE)
    page = discover_stage(chosen, fresh=fresh)
    found = tables.read(page.parent / "candidates.parquet").to_pandas()
    found.attrs = {"folder": str(page.parent), "report": str(page)}
    return found


def propose(study: str | Path, count: int = 24, *, device: str | None = None) -> pd.DataFrame:
    """Propose structures to be made and measured; see the closed loop.

    Args:
        study: its settings file with `measured` objectives, or its folder.
        count: structures to propose at most.

    Returns:
        The batch as its table: id, structure, what made it, what is expected, and an empty column
        for each measured objective, which `tell` takes filled in.

    >>> import nucleate, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> known = "\\n".join("C" * n + "c1ccccc1" for n in range(1, 20))
    >>> _ = (folder / "known.smi").write_text(known)
    >>> study = folder / "loop.toml"
    >>> _ = study.write_text(f'''
    ... model = "molecules"
    ... data = "known.smi"
    ... out = "{folder}/loop"
    ... [[objectives]]
    ... measured = "pIC50"
    ... low = 5.0
    ... high = 9.0
    ... ''')
    >>> batch = nucleate.propose(study, 3)
    >>> len(batch), "pIC50" in batch.columns
    (3, True)
    >>> nucleate.tell(study, batch.assign(pIC50=[6.0, 7.0, 8.0]))["taken"]
    3
    """
    with open_campaign(Path(study), device=device) as loop:
        return pd.read_csv(loop.table(loop.propose(count)))


def tell(
    study: str | Path,
    results: str | Path | pd.DataFrame,
    *,
    replace: bool = False,
    structure_column: str | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Tell a study what was measured; the next batch learns from it.

    Args:
        study: see `propose`, which has an example.
        results: a table with a row for each structure, or its file.
        replace: instead of earlier values of the same structures.
        structure_column: found by its usual names if not given.

    Returns:
        `taken` (new values), `known` (values told before), and `rejected`: rows with their reasons.
    """
    with ExitStack() as stack:
        file = results
        if isinstance(results, pd.DataFrame):
            file = Path(stack.enter_context(TemporaryDirectory(prefix="nucleate-"))) / "told.csv"
            results.to_csv(file, index=False)
        loop = stack.enter_context(open_campaign(Path(study), device=device))
        told = loop.tell(Path(file), replace=replace, structure_column=structure_column)
    return {"taken": len(told.entries), "known": told.known, "rejected": told.rejected}
