from nucleate.matter.reader import RawRow
from nucleate.molecules import Molecules
from nucleate.screening.check_worker import Judgement, WorkItem
from nucleate.screening.funnel import Funnel
from nucleate.screening.intake import SAME, Rows, from_draws
from nucleate.settings.data import DatasetSettings
from nucleate.testing.toy_matter import manifest_of


def test_equal_draws_are_merged_and_failed_ones_rejected(tmp_path):
    prior = manifest_of(
        tmp_path / "sample",
        "sample",
        "samples.parquet",
        [
            {"structure": "1,0,0,0", "origin": "prior", "log_likelihood": -1.0},
            {"structure": "1,0,0,0", "origin": "prior", "log_likelihood": -0.5},
            {"structure": None, "origin": "prior", "log_likelihood": -9.0},
            {"structure": "2,0,0,0", "origin": "prior", "log_likelihood": -2.0},
        ],
    )
    study = manifest_of(
        tmp_path / "optimize",
        "optimize",
        "optimized.parquet",
        [{"structure": "1,0,0,0", "origin": "study", "log_likelihood": -3.0, "score": 0.5,
          "trial": 7}],
    )  # fmt: skip
    funnel = from_draws([prior, study])
    first, second = funnel.candidates
    assert first.columns["origin"] == "prior+study"
    assert first.columns["score"] == 0.5
    assert first.columns["trial"] == 7
    assert second.columns["origin"] == "prior"
    (step,) = funnel.steps
    assert (step.entered, step.passed) == (5, 2)
    assert step.entered == step.passed + sum(step.reasons.values())
    assert step.reasons[SAME] == 2
    assert [item.reason for item in funnel.rejected] == ["draw: decoded to no structure"]


def test_rows_carry_what_reading_decided_and_could_not_take(tmp_path):
    file = tmp_path / "mine.smi"
    file.write_text("CCO\n")
    rows = Rows(DatasetSettings(source=str(file)), Molecules())
    funnel = Funnel([])
    row = RawRow(1, "a", "CC[O-].[Na+]", {"pIC50": float("nan")}, unread={"pIC50": ">5"})
    judged = Judgement("CCO", seconds=[0.0], notes=["left out sodium"])
    candidate = rows.take(WorkItem(None, {}, row), judged, funnel)
    assert candidate.columns["notes"] == "left out sodium; pIC50: '>5' is no number"
    lost = RawRow(2, "b", "?", {"pIC50": 6.0}, unread={})
    assert rows.take(WorkItem(None, {}, lost), Judgement(None, ("unparsable", "")), funnel) is None
    assert "notes" not in next(iter(funnel.rejected)).candidate.columns
    assert funnel.reading.to_json()["reading"] == {
        "notes": {"left out sodium": 1},
        "unread": {"pIC50": {"numbers": 1, "unread": 1, "first": ["'>5' (row 1)"]}},
        "rejected": {},
    }
