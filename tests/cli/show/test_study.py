"""What a study says at its end."""

from nucleate.cli.show.study import _best_table, _count, _failures, _further, _gain, _top, _wishes
from nucleate.report.formatting import number, score
from nucleate.settings.objectives import PropertySettings


def test_failures_are_told_commonest_first_and_once_for_all_objectives():
    def told(failures):
        objectives = [{"column": name} for name in ("dock", "qed")]
        return _failures({"objectives": objectives, "objective_failures": failures})

    assert told({"dock": {"RuntimeError: no_pose": 5, "took longer than 2 s": 7}}) == (
        "dock: took longer than 2 s (7); dock: RuntimeError: no_pose (5)"
    )
    assert told({"dock": {"hazard: x": 2}, "qed": {"hazard: x": 2}}) == "hazard: x (2)"
    many = {f"reason {number}": 1 for number in range(5)}
    assert told({"qed": many}).endswith("; 2 more reasons in summary.json")


def test_structures_are_called_by_their_titles_and_folders_once():
    row = {"structure": "225 a:Na b:Cl | 5.64", "score": 1.0, "origin": "data"}
    table = _best_table(
        "", [row], {"objectives": [], "new": 1}, lambda structure: "NaCl, Fm-3m (225)"
    )
    assert next(iter(table.columns[0].cells)) == "NaCl, Fm-3m (225)"
    assert [_top(name) for name in ("summary.json", "cif/a.cif")] == ["summary.json", "cif/"]


def test_a_score_near_one_keeps_the_digits_that_tell_it_from_one():
    shown = [score(value) for value in (0.0, 0.5, 0.9871, 0.99942, 0.9999871, 1.0)]
    assert shown == ["0", "0.5", "0.987", "0.99942", "0.999987", "1"]
    assert [number(value) for value in (-1e308, 123456.0)] == ["-1e+308", "123,456"]


def test_the_best_is_told_with_its_own_values_and_nothing_new_is_explained():
    objectives = [
        {"column": "density", "unit": "g/cm3", "desirability": {}},
        {"column": "atoms", "unit": "", "constraint": {}},
    ]
    known = [{"structure": "a", "score": 0.98, "density": 12.5}]
    summary = {
        "objectives": objectives, "best_known": known, "best": {"density": 17.67},
        "trials": 20, "new": 19, "best_score": 0.9996, "sampler": "nucleate",
    }  # fmt: skip
    assert _gain(summary) == [
        "The best has density 17.67 g/cm3; the best known one density 12.5 g/cm3."
    ]
    assert (
        _count(summary) == "20 scored, 19 of them new; best score 0.99960 (best known score 0.98)."
    )
    alone = {**summary, "best_known": []}
    assert _gain(alone) == []
    assert _count(alone).endswith("(no known structure meets the conditions).")
    nothing = {**summary, "new": 0, "sampler": "best-of-data"}
    assert _count(nothing) == (
        "20 scored, none of them new (best-of-data scores known structures only); best known "
        "score 0.98."
    )


def test_terms_are_told_with_arguments_and_columns():
    terms = [
        PropertySettings(command=("python", "dock.py"), goal="minimise"),
        PropertySettings(property="similarity", arguments={"smiles": "CCO"}),
        PropertySettings(property="similarity", arguments={"smiles": "CCN"}),
    ]
    assert _wishes(terms) == [
        "minimise python dock.py",
        "maximise similarity (smiles CCO)",
        "maximise similarity (smiles CCN) [column similarity_2]",
    ]


def test_a_predictor_s_quality_and_certainty_are_shown():
    item = {
        "column": "pIC50", "unit": "", "description": "predicted pIC50 (R2 0.61)",
        "settings": {"column": "pIC50", "head": None}, "desirability": {},
    }  # fmt: skip
    summary = {
        "objectives": [item], "without_value": 0, "best": None, "best_known": [], "combine": "mean",
    }  # fmt: skip
    assert _further(summary, str) == ["pIC50: predicted pIC50 (R2 0.61)."]
    row = {
        "structure": "C", "score": 0.5, "origin": "data", "pIC50": 6.0,
        "pIC50_uncertainty": 0.4, "pIC50_in_domain": True,
    }  # fmt: skip
    table = _best_table("", [row], summary, str)
    assert [next(iter(column.cells)) for column in table.columns][3:5] == ["0.4", "yes"]
