"""The search on real molecules with a tiny trained model: its operators, and fine-tuning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.edits.token_edits import TokenEdits
from nucleate.novelty.records import read_records
from nucleate.search.evolution.adaptation import Adaptation, AdaptationSettings
from nucleate.search.evolution.memory import Latents
from nucleate.search.evolution.operators import LatentMaker
from nucleate.search.factories import build_searcher, latent_operators
from nucleate.search.searcher import SearchTask
from nucleate.settings.evolution import EvolutionSettings

SMALL = EvolutionSettings(
    initial=30, screened=4, generations=2, pool=60, support=100, refit=50, niche_pool=40
)


@pytest.fixture
def model(trained: Manifest) -> LatentModel:
    return LatentModel.load(Path(trained.folder), "cpu")


@pytest.fixture(scope="module")
def known(tiny_features: Manifest) -> list[str]:
    return list(read_records(tiny_features).training)


@pytest.mark.parametrize("name", ["nucleate", "nucleate+adaptation", "token-edits", "random-prior"])
def test_searchers_ask_for_canonical_new_molecules(
    name: str, model: LatentModel, known: list[str]
) -> None:
    searcher = build_searcher(SearchTask(name, model, known, 0, SMALL))
    asked: list[str] = []
    for _ in range(6):
        found = [p.structure for p in searcher.ask(15)]
        searcher.tell(found, np.array([float(len(s)) for s in found]))
        asked += found
    assert len(asked) == len(set(asked)) >= 60
    assert all(canonical(parse(s)) == s for s in asked)


def test_latent_operators_tell_parents_and_vectors(model: LatentModel, known: list[str]) -> None:
    maker = LatentMaker(model, Latents(model), 0.7)
    pairs = list(zip(known[:12], known[12:24], strict=True))
    operators = latent_operators(model)
    assert {o.name for o in operators} >= {"latent_regrowth", "latent_graft"}
    made = maker.make([(o, pairs) for o in operators], np.random.default_rng(0))
    assert made
    for proposal in made:
        assert proposal.parents in {pair[:1] for pair in pairs} | set(pairs)
        assert proposal.latent is not None
        assert proposal.latent.shape == (model.size,)


def test_regrowth_keeps_most_of_a_molecule(model: LatentModel, known: list[str]) -> None:
    codec = model.codec
    assert isinstance(codec, FragmentCodec)
    edits = TokenEdits(codec)
    rng = np.random.default_rng(0)
    long = [s for s in known if len(codec.encode(s).steps["fragment"]) > 5][:20]
    programs = [edits.program(s, rng) for s in long]
    for smiles, program in zip(long, programs, strict=True):
        tokens = codec.encode(smiles).steps["fragment"].tolist()
        kept = [t for t in program.tokens if t]
        assert 0 < len(kept) < len(tokens)
        assert program.tokens.count(0) in (1, 2)
        assert all(tokens.count(t) >= kept.count(t) for t in kept)
    latents, _ = model.encode(long)
    legality = model.matter.variations.regrowth(codec, [*long[:-1], None], seed=0)
    decoded = model.decode(latents, 1.0, seed=0, noise=1.0, legality=legality)
    assert all(d.structure is not None for d in decoded)


def test_fine_tuning_teaches_what_was_found_and_leaves_the_model_alone(
    model: LatentModel, known: list[str], trained: Manifest
) -> None:
    before = {k: v.clone() for k, v in model.model.state_dict().items()}
    original = model.model
    settings = AdaptationSettings(steps=40, batch=32, learning_rate=3e-3)
    adaptation = Adaptation(model, known[:50], settings, seed=0)
    assert model.model is not original
    first = adaptation.train(known[50:60])
    last = first
    for _ in range(3):
        last = adaptation.train(known[50:60])
    assert last < first
    assert all((original.state_dict()[k] == v).all() for k, v in before.items())
    latents = Latents(model)
    one = latents.of(known[:3])
    adaptation.train(known[50:60])
    latents.forget()
    assert not np.allclose(one, latents.of(known[:3]))
