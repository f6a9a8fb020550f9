import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.manifest import Manifest
from nucleate.matter import registry
from nucleate.matter.part import part
from nucleate.matter.reader import RawRow
from nucleate.objectives.objective import Objective
from nucleate.objectives.property import ObjectiveProperty
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.screen import ScreenSettings
from nucleate.stages.screen import screen, screen_file
from nucleate.testing import toy_matter
from nucleate.testing.toy_matter import calls, features_of, manifest_of

TERMS = (PropertySettings(property="sum", low=0, high=20),)
FILES = {"candidates.parquet", "candidates.csv", "rejected.parquet", "rejected.csv", "funnel.json",
         "funnel.csv", "candidates.toy"}  # fmt: skip


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    toy_matter.register(monkeypatch)
    features = features_of(tmp_path / "featurize", ["1,1,1,1", "2,2,2,2"], test=["3,3,3,3"])
    prior = manifest_of(
        tmp_path / "sample", "sample", "samples.parquet",
        [
            {"structure": s, "origin": "prior", "trial": None, "parent": None,
             "latent": [0.5, 1.0], "log_likelihood": -float(i)}
            for i, s in enumerate(["3,3,3,3", "9,9,9,9", "4,0,0,0", "5,0,0,0"])
        ],
    )  # fmt: skip
    study = manifest_of(
        tmp_path / "optimize", "optimize", "optimized.parquet",
        [
            {"structure": s, "origin": "study", "trial": i, "parent": "1,1,1,1",
             "latent": [1.0, 2.0], "log_likelihood": -1.0, "sum": v, "sum_desirability": v / 20,
             "score": v / 20}
            for i, (s, v) in enumerate([("4,4,4,4", 16.0), ("5,0,0,0", 5.0), ("6,0,0,0", 6.0)])
        ],
    )  # fmt: skip
    objective = Objective(toy_matter.ToyMatter(), TERMS)
    objective.fit([])
    study.path("summary.json").write_text(json.dumps({"objectives": objective.to_json()}))
    return features, prior, study


def run(tmp_path, inputs, **changes):
    features, prior, study = inputs
    return screen(
        ScreenSettings(processes=0, **changes), [prior, study], features, tmp_path / "screen",
        matter_name="toy", seed=0, device="cpu",
    )  # fmt: skip


def read(manifest, name):
    return pq.read_table(manifest.path(name)).to_pandas()


def test_candidates_are_ranked_and_carry_their_history(tmp_path, inputs):
    calls.clear()
    manifest = run(tmp_path, inputs)
    assert {o.name for o in manifest.outputs} == FILES
    table = read(manifest, "candidates.parquet")
    assert table["numbers"].tolist() == ["4,4,4,4", "6,0,0,0", "5,0,0,0", "4,0,0,0"]
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["candidate_id"].tolist()[0] == "toy-0001"
    assert table["score"].tolist() == pytest.approx([0.8, 0.3, 0.25, 0.2])
    assert table["sum"].tolist() == [16, 6, 5, 4]
    assert table["origin"].tolist() == ["study", "study", "prior+study", "prior"]
    assert table["small_value"].tolist() == [16, 6, 5, 4]
    assert table["trial"].tolist()[:3] == [0, 2, 1]
    assert table["latent"][0].tolist() == [1.0, 2.0]
    expected = {"first", "score_basis", "sum_desirability", "novel_value", "parent",
                "log_likelihood", "run"}  # fmt: skip
    assert expected <= set(table.columns)
    # Only what the study had not scored and the cheap check let through was computed.
    assert calls == {"4,0,0,0": 1, "3,3,3,3": 1}
    csv = pd.read_csv(manifest.path("candidates.csv"))
    assert list(csv.columns) == [c for c in table.columns if c != "latent"]
    assert csv["trial"].dropna().tolist() == [0, 2, 1]


def test_rejected_rows_say_why_and_the_funnel_adds_up(tmp_path, inputs):
    manifest = run(tmp_path, inputs)
    rejected = read(manifest, "rejected.parquet").set_index("numbers")
    assert rejected.loc["9,9,9,9", "rejected_by"] == "small"
    assert rejected.loc["9,9,9,9", "reason"] == "small: sum 36.0 above 30.0"
    assert rejected.loc["3,3,3,3", "rejected_by"] == "novel"  # of the test split: known too
    funnel = json.loads(manifest.path("funnel.json").read_text())
    assert [step["check"] for step in funnel] == ["draw", "small", "novel"]
    assert funnel[0]["entered"] == 7
    for step in funnel:
        assert step["entered"] == step["passed"] + sum(step["reasons"].values())
    assert funnel[-1]["passed"] == len(read(manifest, "candidates.parquet")) == 4


def test_keeps_no_more_than_asked(tmp_path, inputs):
    manifest = run(tmp_path, inputs, keep=1)
    assert read(manifest, "candidates.parquet")["numbers"].tolist() == ["4,4,4,4"]
    rejected = read(manifest, "rejected.parquet")
    assert (rejected["rejected_by"] == "keep").sum() == 3


def test_no_survivor_is_a_result(tmp_path, inputs):
    manifest = run(tmp_path, inputs, checks=({"name": "small", "maximum": 0},))
    assert {o.name for o in manifest.outputs} == FILES
    table = read(manifest, "candidates.parquet")
    assert len(table) == 0
    assert {"candidate_id", "numbers", "score", "sum", "latent"} <= set(table.columns)
    assert manifest.path("candidates.csv").read_text().startswith("candidate_id,rank,score")
    assert len(read(manifest, "rejected.parquet")) == 6


def test_a_file_is_screened_row_by_row(tmp_path, inputs):
    source = tmp_path / "ideas.txt"
    source.write_text("1,2,3,4\nnonsense\n9,9,9,9\n1,2,3,4\n1,1,1,1\n")
    manifest = screen_file(
        ScreenSettings(processes=0), DatasetSettings(source=str(source)), tmp_path / "screen",
        matter_name="toy", seed=0, objectives=TERMS, features=inputs[0], device="cpu",
    )  # fmt: skip
    table = read(manifest, "candidates.parquet")
    assert table["numbers"].tolist() == ["1,2,3,4"]
    assert table["source_id"].tolist() == ["1+4"]
    rejected = read(manifest, "rejected.parquet").set_index("source_id")
    assert rejected.loc["2", "rejected_by"] == "standardise"
    assert "nonsense" in rejected.loc["2", "reason"]
    assert rejected.loc["2", "payload"] == "nonsense"
    assert rejected.loc["3", "rejected_by"] == "small"
    assert rejected.loc["5", "rejected_by"] == "novel"
    funnel = json.loads(manifest.path("funnel.json").read_text())
    assert (funnel[0]["check"], funnel[0]["entered"], funnel[0]["passed"]) == ("standardise", 5, 3)


def test_a_file_without_objective_or_known_structures(tmp_path, inputs):
    source = tmp_path / "ideas.txt"
    source.write_text("1,2,3,4\n4,3,2,1\n")
    manifest = screen_file(
        ScreenSettings(processes=0), DatasetSettings(source=str(source)), tmp_path / "screen",
        matter_name="toy", seed=0, device="cpu",
    )  # fmt: skip
    table = read(manifest, "candidates.parquet")
    assert len(table) == 2
    assert table["score"].isna().all()


@pytest.mark.parametrize(
    ("unjudged", "own"), [("keep", "keep"), ("keep", "reject"), ("reject", "")]
)
def test_alloys_have_no_bond_valence(tmp_path, unjudged, own):
    source = tmp_path / "ideas.csv"
    source.write_text("crystal\n221 a:Sn c:Pd | 4.04\n225 a:Na b:Cl | 5.69\n")
    bonds = {"name": "bond_valence"} | ({"unjudged": own} if own else {})
    settings = ScreenSettings(
        checks=("legal", "distances", bonds), unjudged=unjudged, processes=0, rank="score"
    )
    manifest = screen_file(
        settings, DatasetSettings(source=str(source)), tmp_path / "screen",
        matter_name="crystals", seed=0, device="cpu",
    )  # fmt: skip
    table = read(manifest, "candidates.parquet").set_index("formula")
    funnel = pd.read_csv(manifest.path("funnel.csv")).set_index("check").loc["bond_valence"]
    assert funnel["passed"] == 1
    assert pd.isna(table.loc["NaCl", "not_judged"])
    if "reject" in (unjudged, own):
        (reason,) = read(manifest, "rejected.parquet")["reason"]
        assert reason.startswith("bond_valence: not judged: no neutral oxidation states")
        assert (funnel["not_judged"], funnel["rejected"]) == (0, 1)
        return
    assert table.loc["SnPd3", "not_judged"] == "bond_valence"
    assert "oxidation states" in table.loc["SnPd3", "bond_valence_not_judged"]
    assert (funnel["not_judged"], funnel["rejected"]) == (1, 0)
    assert "oxidation states" in funnel["not_judged_for"]
    assert manifest.metrics["not_judged"] == 1


def test_an_unknown_word_for_unjudged_is_refused(tmp_path, inputs):
    with pytest.raises(SettingsError, match="'perhaps' is neither 'keep' nor 'reject'"):
        run(tmp_path, inputs, checks=({"name": "small", "unjudged": "perhaps"},))


def test_a_misspelt_check_is_refused(tmp_path, inputs):
    with pytest.raises(SettingsError, match="known: small, novel"):
        run(tmp_path, inputs, checks=({"name": "smll"},))


def test_other_objectives_than_the_study_had_are_computed_anew(tmp_path, inputs):
    features, prior, study = inputs
    manifest = screen(
        ScreenSettings(processes=0), [prior, study], features, tmp_path / "screen",
        matter_name="toy", seed=0, device="cpu",
        objectives=(PropertySettings(property="sum", low=0, high=40),),
    )  # fmt: skip
    assert read(manifest, "candidates.parquet")["score"].tolist()[0] == pytest.approx(0.4)


def labelled(tmp_path):
    """A term learnt from data by features of a person's own, as the settings write it."""
    rows = "".join(f"{i % 7},{i % 5},{i % 3},0;{i % 7 + i % 5}\n" for i in range(60))
    (tmp_path / "assay.txt").write_text(rows)
    (tmp_path / "features.py").write_text(
        "def numbers(texts):\n    return [[float(n) for n in t.split(',')] for t in texts]\n"
    )
    return PropertySettings(column="y", data="assay.txt", features="features.py:numbers")


class LabelledReader(toy_matter.ToyReader):
    """Rows of numbers; a label."""

    def read_rows(self, source, dataset):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            payload, _, label = line.partition(";")
            yield RawRow(number, str(number), payload, {"y": float(label)})


class Labelled(toy_matter.ToyMatter):
    """A kind of matter whose files hold a label."""

    reader = part(LabelledReader)


def test_further_columns_of_an_objective_are_there_even_without_rows(tmp_path, inputs, monkeypatch):
    monkeypatch.setattr(registry, "get", lambda name: Labelled())
    for kept, checks in ((2, ()), (0, ({"name": "small", "maximum": 0},))):
        manifest = screen(
            ScreenSettings(processes=0, **({"checks": checks} if checks else {"keep": 2})),
            list(inputs[1:]), inputs[0], tmp_path / f"screen{kept}", matter_name="toy", seed=0,
            device="cpu",
            objectives=(labelled(tmp_path),), settings_folder=tmp_path,
        )  # fmt: skip
        table = read(manifest, "candidates.parquet")
        assert len(table) == kept
        assert {"y", "y_desirability", "y_uncertainty"} <= set(table.columns)
        assert "y_uncertainty" in read(manifest, "rejected.parquet").columns


def test_the_model_is_loaded_for_what_predicts_and_all_is_closed(tmp_path, inputs, monkeypatch):
    loaded, closed, judged = [], [], []

    def head(source, model):
        def compute(structures):
            return np.array([float(s[0]) for s in structures])

        return ObjectiveProperty(
            source.column_name(), "", model, compute, close=lambda: closed.append(model)
        )

    def load(folder, device):
        loaded.append(folder)
        return "the model"

    def applicability(candidates, model, known, seed):
        judged.append((len(candidates), model, sorted(known)))

    monkeypatch.setattr("nucleate.latent.latent_model.LatentModel.load", load)
    monkeypatch.setattr("nucleate.screening.ranking.add_applicability", applicability)
    monkeypatch.setattr("nucleate.objectives.external.head.head_property", head)
    model = Manifest("train", "toy", str(tmp_path / "train"), key="model")
    common = {"matter_name": "toy", "seed": 0, "device": "cpu", "model": model}
    screen(ScreenSettings(processes=0), list(inputs[1:]), inputs[0], tmp_path / "own", **common)
    assert loaded == [tmp_path / "train"]  # to tell whether it has words for the candidates
    assert judged == [(4, "the model", ["1,1,1,1", "2,2,2,2", "3,3,3,3"])]
    assert closed == []
    terms = (PropertySettings(head="gap", low=0, high=10),)
    manifest = screen(
        ScreenSettings(processes=0),
        list(inputs[1:]),
        inputs[0],
        tmp_path / "head",
        objectives=terms,
        **common,
    )
    assert loaded == [tmp_path / "train"]
    assert closed == ["the model"]
    assert read(manifest, "candidates.parquet")["gap"].tolist() == [6, 5, 4, 4]


def test_quick_terms_are_computed_where_structures_are_checked(tmp_path, monkeypatch):
    file = tmp_path / "ideas.smi"
    file.write_text("CC(=O)Oc1ccccc1C(=O)O\nCc1ccc(F)c(NC(=O)c2ccc(S(C)(=O)=O)cc2)c1\nC\n")
    asked = []
    computed = Objective._values

    def counted(self, name, built, structures):
        asked.append((name, len(structures)))
        return computed(self, name, built, structures)

    monkeypatch.setattr(Objective, "_values", counted)
    manifest = screen_file(
        ScreenSettings(processes=0, budget=0, keep=0), DatasetSettings(source=str(file)),
        tmp_path / "screen", matter_name="molecules", seed=0, device="cpu",
        objectives=(PropertySettings(property="qed", low=0, high=1),),
    )  # fmt: skip
    table = read(manifest, "candidates.parquet")
    assert len(table) == 2
    assert asked == [("qed", 2)]  # once, together; what a check rejected is not scored
    assert table["score"].tolist() == pytest.approx(table["qed"].tolist())
    assert table["qed"].tolist() == pytest.approx(table["druglike_value"].tolist(), abs=1e-4)


def test_files_may_hold_larger_structures_than_training_sets(tmp_path):
    chain = "CCOC(=O)" + "C" * 70
    file = tmp_path / "ideas.smi"
    file.write_text(f"{chain}\n")

    def reasons(folder, **standardise):
        manifest = screen_file(
            ScreenSettings(processes=0, standardise=standardise), DatasetSettings(source=str(file)),
            tmp_path / folder, matter_name="molecules", seed=0, device="cpu",
        )  # fmt: skip
        return read(manifest, "rejected.parquet")[["rejected_by", "reason"]].values.tolist()

    assert reasons("usual") == [["size", "size: heavy atom count 75 is above 50"]]
    (found,) = reasons("strict", maximum_heavy_atoms=60)
    assert found[0] == "standardise"
    with pytest.raises(SettingsError, match="unknown key"):
        reasons("misspelt", maximum_atoms=60)


def test_a_check_may_be_given_by_its_name_alone():
    settings = ScreenSettings(checks=("parses", {"name": "size", "maximum": 30}))
    assert settings.checks == ({"name": "parses"}, {"name": "size", "maximum": 30})
