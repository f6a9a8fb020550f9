from nucleate.screening.intake import SAME, from_draws
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
