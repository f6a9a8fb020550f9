"""Verbs that find new structures: sample, optimize."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nucleate.api.arguments import PLACE, model_place, whole_seed
from nucleate.api.latent_space import load_model
from nucleate.api.structure_table import StructureTable, structure_table
from nucleate.api.structures import structure_text, written_structures
from nucleate.core.errors import SettingsError
from nucleate.core.files import read_json
from nucleate.core.manifest import Manifest
from nucleate.core.settings import merge, validate
from nucleate.core.spelling import near
from nucleate.datasets import tables
from nucleate.latent.latent_model import LatentModel
from nucleate.latent.pretrained import find_manifest
from nucleate.matter.base import Matter
from nucleate.objectives.external.callables import register
from nucleate.settings.objective_texts import parse_constraint, parse_objective
from nucleate.settings.sample import SampleSettings
from nucleate.settings.study import OptimizeSettings
from nucleate.stages.jobs import check_study
from nucleate.stages.optimize import optimize as optimize_stage
from nucleate.stages.sample import draw_samples


def sample(
    model: str | Path | LatentModel = "molecules",
    count: int = 1000,
    *,
    seed: int = 0,
    as_: str | None = None,
    device: str = "auto",
    **settings: Any,
) -> StructureTable:
    """Draw new structures, anywhere or under conditions.

    Args:
        model: see `load_model`.
        count: draws; under conditions, structures that meet them.
        as_: see `decode`.
        settings: keys of `SampleSettings` (`temperature`, `noise` ...) and conditions: `like`,
            `similarity`, `between`, `scaffold`, `property`; of crystals `composition`,
            `chemical_system`, `space_group` ... Structures may be objects of RDKit, pymatgen, ASE.

    Returns:
        One row for each draw that is a structure: the structure, columns that describe it, where it
        came from, `log_likelihood`, the numbers of the conditions, and `latent`.
        `attrs["summary"]` counts what failed, by reason.

    Raises:
        SettingsError: a misspelt key, or conditions that nothing can meet.

    >>> import nucleate
    >>> table = nucleate.sample("molecules", 5, seed=1)
    >>> len(table), list(table.columns[:3])
    (5, ['smiles', 'formula', 'molecular_weight'])
    >>> near = nucleate.sample(count=3, like="CC(=O)Nc1ccc(O)cc1", similarity="0.4..0.8")
    >>> near["similarity"].between(0.4, 0.8).all()
    np.True_
    >>> salts = nucleate.sample("crystals", 2, composition="NaCl", as_="pymatgen")
    >>> salts["pymatgen"][0].reduced_formula
    'NaCl'
    """
    loaded = load_model(model, device)
    values = _with_conditions(
        {"count": count, **settings}, SampleSettings, "conditions", loaded.matter
    )
    rows, summary = draw_samples(loaded, validate(SampleSettings, values, PLACE), whole_seed(seed))
    describe = loaded.matter.export.describe
    described = (
        {"structure": row["structure"], **(told := describe(row["structure"])), **row, **told}
        for row in rows
    )
    return structure_table(loaded.matter, described, as_=as_, summary=summary)


def optimize(
    model: str | Path | LatentModel = "molecules",
    objectives: Any = (),
    *,
    constraints: str | Sequence[str] = (),
    data: Any = None,
    features: Manifest | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    as_: str | None = None,
    device: str = "auto",
    **settings: Any,
) -> StructureTable:
    """Search for structures with the properties you want: an Optuna study.

    Args:
        model: see `load_model`.
        objectives: one or several: a property as on the command line (`"qed"`,
            `"logp:range=1..3"`), a function of your own (a list of SMILES or CIF texts in, a list
            of numbers out; one text if it is annotated as `str`), or a table of settings
            (`{"property": "density", "goal": "minimise"}`, `{"python": function, "weight": 2}`).
        constraints: what every result should meet, e.g. `"logp<=3"`.
        data: structures to start from, which are known, in any form that `encode` takes; what the
            model recalls of its training if not given.
        features: the same as the manifest of `featurize`.
        out: folder for the study, which the same call then continues; nothing is kept if not given.
        settings: keys of `OptimizeSettings` (`trials`, `sampler`, `combine`, `quota` ...) and
            conditions on every structure, as in `sample`.

    Returns:
        Every new structure that was scored, best first, with the values of the objectives and
        `score`. `attrs["summary"]` holds counts, the history and the objectives' scales.

    Raises:
        SettingsError: a misspelt key or property, or goals that contradict.

    >>> import nucleate
    >>> def few_rings(smiles: list[str]) -> list[float]:
    ...     return [-text.count("1") for text in smiles]
    >>> best = nucleate.optimize("molecules", ["qed", few_rings], trials=20, reference=16)
    >>> bool(best["score"].is_monotonic_decreasing) and "few_rings" in best.columns
    True
    """
    train = find_manifest(model_place(model))
    matter = load_model(model, device).matter
    values = _with_conditions(settings, OptimizeSettings, "local", matter)
    listed = [constraints] if isinstance(constraints, str) else constraints
    values["objectives"] = [
        *(_objective(term) for term in _several(objectives)),
        *(parse_constraint(text) for text in listed),
    ]
    chosen = check_study(validate(OptimizeSettings, values, PLACE), matter.name)
    with ExitStack() as stack:
        folder = Path(out or stack.enter_context(TemporaryDirectory(prefix="nucleate-")))
        start: Any = features
        if data is not None:
            if features is not None:
                raise SettingsError("data and features exclude each other: both say where to start")
            start = written_structures(data, matter, folder / "data.parquet")
        manifest = optimize_stage(
            chosen,
            train,
            start,
            folder,
            matter_name=matter.name,
            seed=whole_seed(seed),
            device=device,
            lasting=True,
            interruptible=True,
        )
        rows = tables.read(manifest.path("optimized.parquet")).to_pandas()
        summary = read_json(manifest.path("summary.json"))
    return structure_table(matter, rows, as_=as_, summary=summary)


def objective_terms(objectives: Any) -> list[dict[str, Any]]:
    """Values of `PropertySettings` of what a person writes as objectives."""
    return [_objective(term) for term in _several(objectives)]


def _several(objectives: Any) -> list[Any]:
    one = isinstance(objectives, (str, Mapping)) or callable(objectives)
    return [objectives] if one else list(objectives)


def _objective(term: Any) -> dict[str, Any]:
    """Values of `PropertySettings`."""
    if isinstance(term, str):
        return parse_objective(term, "objective")
    values = {"python": term} if callable(term) else dict(term)
    function: Callable[..., Any] | Any = values.get("python")
    if callable(function):
        values["python"], name = register(function)
        values.setdefault("name", name)
    return values


def _with_conditions(
    given: Mapping[str, Any], model: type[Any], section: str, matter: Matter
) -> dict[str, Any]:
    """Settings of which keys that the settings do not know are conditions."""
    values = {key: value for key, value in given.items() if key in model.model_fields}
    conditions = {key: value for key, value in given.items() if key not in model.model_fields}
    common = model.model_fields[section].annotation.model_fields
    known = {*common, *matter.guide.Options.model_fields}
    for key in conditions:
        if key not in known:
            listed = sorted({*model.model_fields, *known} - {section})
            meant = near(key, listed)
            hint = f"did you mean {' or '.join(meant)}? " if meant else ""
            raise SettingsError(
                f"{PLACE}: {key}: unknown key; {hint}known keys for {matter.name}: "
                + ", ".join(listed)
            )

    def lead(thing: Any, key: str) -> Any:
        if isinstance(thing, (str, type(None))):
            return thing
        return matter.guide.read(structure_text(thing, matter), key)

    if "like" in conditions:
        conditions["like"] = lead(conditions["like"], "like")
    if isinstance(conditions.get("between"), Sequence):
        conditions["between"] = [lead(one, "between") for one in conditions["between"]]
    if not isinstance(conditions.get("scaffold"), (str, type(None))):
        conditions["scaffold"] = structure_text(conditions["scaffold"], matter)
    return merge(values, {section: conditions}) if conditions else values
