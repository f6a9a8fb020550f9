"""A closed loop over the toy matter, for the tests of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from nucleate.campaign import proposing
from nucleate.campaign.batches import Batch
from nucleate.campaign.campaign import Campaign
from nucleate.campaign.folder import Record, check_settings, go_on, now, plain_terms, read_record
from nucleate.campaign.scoring import Scoring
from nucleate.latent.latent_model import LatentModel
from nucleate.novelty.records import StartingStructures
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import StudySettings
from nucleate.testing.toy_matter import SMALL, ToyMatter, ToyModel, parse, training_set

ACTIVITY = PropertySettings(measured="activity", low=0.0, high=40.0)
SOLUBILITY = PropertySettings(measured="solubility", low=0.0, high=1.0)
SPREAD = PropertySettings(property="spread", goal="minimise", low=0.0, high=20.0)


def small_searches(monkeypatch: Any) -> None:
    """Searches that a toy model can serve, which learn from few scores."""
    monkeypatch.setattr(proposing, "EVOLUTION", SMALL.model_copy(update={"initial": 4}))


def open_campaign(
    folder: Path,
    terms: Sequence[PropertySettings] = (ACTIVITY,),
    *,
    begin: bool = True,
    digest: str = "a",
    **settings: Any,
) -> Campaign:
    """As `nucleate.stages.campaign.open_campaign` does it, with a model that needs no file."""
    training = training_set(60)
    chosen = StudySettings(model="toy", out=str(folder), objectives=tuple(terms), **settings)
    objective = Objective(ToyMatter(), terms, how=chosen.combine)
    record = Record(
        "loop-toy", "toy", now(), str(folder), "toy", digest, plain_terms(objective.terms)
    )
    before = read_record(folder)
    notes: list[str] = []
    if before is not None:
        record, notes = go_on(before, record)
    scoring = Scoring(objective, folder, lambda: training)
    check_settings(chosen, scoring.columns)
    campaign = Campaign(
        folder,
        ToyMatter(),
        chosen,
        "model = 'toy'\n",
        record,
        scoring,
        lambda: cast(LatentModel, ToyModel(training)),
        lambda: StartingStructures(training, training),
        notes,
    )
    if begin:
        campaign.begin()
    return campaign


def table(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A CSV of rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def measured(batch: Batch) -> list[dict[str, Any]]:
    """What a laboratory finds: the sum of the numbers."""
    return [
        {"proposal_id": p.id, "activity": float(sum(parse(p.structure)))} for p in batch.proposals
    ]
