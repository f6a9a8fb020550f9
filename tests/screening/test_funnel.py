import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.core.errors import InputError, SettingsError
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.screening.check_engine import Engine, Limits
from nucleate.screening.check_worker import run_check
from nucleate.screening.funnel import Funnel, build_checks, check_tables, count_reasons
from nucleate.testing.toy_matter import Novel, Small, ToyMatter

CONTEXT = CheckContext(known=("1,1,1,1",))


def candidates(*structures):
    return [Candidate(s, {"score": 1.0 - 0.01 * i}) for i, s in enumerate(structures)]


def adds_up(funnel):
    for step in funnel.steps:
        assert step.entered == step.passed + step.not_judged + sum(step.reasons.values())
        assert step.not_judged == sum(step.not_judged_for.values())
        left = [item for item in funnel.rejected if item.rejected_by == step.check]
        assert len(left) == step.entered - step.passed - step.not_judged
    for before, after in zip(funnel.steps, funnel.steps[1:], strict=False):
        assert before.passed + before.not_judged == after.entered
    assert len(funnel.candidates) == funnel.steps[-1].passed + funnel.steps[-1].not_judged


class Fragile(Small):
    """Raises if any structure starts with 7."""

    name = "fragile"

    def run(self, items):
        if any(c.structure.startswith("7") for c in items):
            raise RuntimeError("cannot take a seven")
        return super().run(items)


class Unsure(Small):
    """Knows nothing of structures that start with 5, and lacks a package for those with 6."""

    name = "unsure"

    def run(self, items):
        if any(c.structure.startswith("6") for c in items):
            raise ModuleNotFoundError("No module named 'rings'", name="rings")
        five = Verdict.unjudged("5 is beyond it")
        return [five if c.structure.startswith("5") else Verdict(True, 1.0) for c in items]


class Pairs(Fragile):
    """Keeps the first of each leading number: compares candidates with each other."""

    name = "pairs"

    def run(self, items):
        super().run(items)
        seen = set()
        verdicts = []
        for c in items:
            verdicts.append(Verdict(c.structure[0] not in seen, reason="like a better one"))
            seen.add(c.structure[0])
        return verdicts


class Relax(Small):
    """Turns every structure into its first number."""

    name = "relax"

    def run(self, items):
        return [Verdict(True, structure=",".join([c.structure[0]] * 4)) for c in items]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(-9, 9), min_size=4, max_size=4), unique_by=tuple, max_size=30))
def test_the_books_balance_at_every_check(tmp_path_factory, rows):
    funnel = Funnel(candidates(*(",".join(map(str, row)) for row in rows)))
    entered = len(funnel.candidates)
    checks = [
        Small(Small.Options(maximum=20), CONTEXT),
        Fragile(Small.Options(maximum=15), CONTEXT),
        Unsure(Small.Options(), CONTEXT),
        Relax(Small.Options(), CONTEXT),
        Novel(Novel.Options(), CONTEXT),
    ]
    through(tmp_path_factory.mktemp("funnel"), funnel, checks)
    funnel.keep_best(3)
    assert funnel.steps[0].entered == entered == len(funnel.candidates) + len(funnel.rejected)
    adds_up(funnel)
    assert len(funnel.candidates) <= 3
    assert all(item.reason for item in funnel.rejected)


@pytest.mark.parametrize("unjudged", ["keep", "reject"])
def test_what_is_not_judged_has_not_passed(unjudged):
    funnel = Funnel(candidates("5,0,0,0", "6,0,0,0", "1,0,0,0"))
    check = Unsure(Small.Options(), CONTEXT)
    check.unjudged = unjudged
    funnel.apply(check)
    adds_up(funnel)
    (step,) = funnel.steps
    assert (step.entered, step.passed) == (3, 1)
    why = {"5,0,0,0": "5 is beyond it"}
    why["6,0,0,0"] = "it needs the package rings, which is not installed"
    if unjudged == "reject":
        assert step.not_judged == 0
        told = {item.candidate.structure: item.reason for item in funnel.rejected}
        assert told == {k: f"unsure: not judged: {reason}" for k, reason in why.items()}
        return
    assert step.not_judged == 2
    assert not len(funnel.rejected)
    *others, sure = funnel.candidates
    for one in others:
        assert one.columns["not_judged"] == "unsure"
        assert one.columns["unsure_not_judged"] == why[one.structure]
        assert one.columns["unsure_value"] is None
    assert "not_judged" not in sure.columns
    funnel.apply(check)  # asked again it says the same once
    assert funnel.candidates[0].columns["not_judged"] == "unsure"


def test_rejected_rows_keep_their_columns_and_say_why():
    funnel = Funnel(candidates("1,2,3,4", "9,9,9,9"))
    funnel.apply(Small(Small.Options(), CONTEXT))
    (item,) = funnel.rejected
    assert item.candidate.columns == {"score": 0.99, "small_value": 36.0}
    assert item.reason == "small: sum 36.0 above 30.0"
    assert funnel.candidates[0].columns["small_value"] == 10.0


def test_a_check_that_raises_rejects_the_culprit_only():
    funnel = Funnel(candidates("1,0,0,0", "7,0,0,0", "2,0,0,0"))
    funnel.apply(Fragile(Small.Options(), CONTEXT))
    assert [c.structure for c in funnel.candidates] == ["1,0,0,0", "2,0,0,0"]
    (reason,) = [item.reason for item in funnel.rejected]
    assert reason == "fragile: not judged: the check failed (RuntimeError: cannot take a seven)"
    adds_up(funnel)


def test_the_others_are_still_compared_with_each_other():
    funnel = Funnel(candidates("1,0,0,0", "7,0,0,0", "1,2,0,0", "2,0,0,0"))
    funnel.apply(Pairs(Small.Options(), CONTEXT))
    assert [c.structure for c in funnel.candidates] == ["1,0,0,0", "2,0,0,0"]
    adds_up(funnel)


def test_a_check_that_forgets_a_verdict_is_broken():
    class Forgetful(Small):
        def run(self, items):
            return super().run(items)[:-1]

    verdicts = run_check(Forgetful(Small.Options(), CONTEXT), candidates("1,0,0,0", "2,0,0,0"))
    assert [v.passed for v in verdicts] == [False, False]
    assert "0 verdicts for 1 candidates" in verdicts[0].reason


def test_what_a_person_can_mend_is_not_hidden():
    class NoFile(Small):
        def run(self, items):
            raise InputError("no such file", file="hull.json")

    with pytest.raises(InputError, match=r"hull\.json"):
        run_check(NoFile(Small.Options(), CONTEXT), candidates("1,0,0,0"))


def test_relaxing_into_a_better_candidate_is_a_rejection():
    funnel = Funnel(candidates("1,0,0,0", "1,2,0,0", "2,0,0,0"))
    funnel.apply(Relax(Small.Options(), CONTEXT))
    assert [c.structure for c in funnel.candidates] == ["1,1,1,1", "2,2,2,2"]
    assert funnel.candidates[0].columns["decoded_structure"] == "1,0,0,0"
    adds_up(funnel)


def through(folder, funnel, checks, rank=lambda funnel: None):
    limits = Limits(0, 10.0, folder, "key")
    tables = [{"name": check.name} for check in checks]
    Engine(ToyMatter(), checks, tables, CONTEXT, limits).run(funnel, rank)


def test_ranking_happens_before_the_first_expensive_check(tmp_path):
    entered = []
    checks = [Small(Small.Options(maximum=20), CONTEXT), Novel(Novel.Options(), CONTEXT)]
    funnel = Funnel(candidates("9,9,9,9", "1,0,0,0"))
    through(tmp_path, funnel, checks, lambda f: entered.append([c.structure for c in f.candidates]))
    assert entered == [["1,0,0,0"]]
    cheap = Funnel(candidates("1,0,0,0"))
    through(tmp_path, cheap, checks[:1], lambda f: entered.append("cheap only"))
    through(tmp_path, Funnel([]), [], lambda f: entered.append("no checks"))
    assert entered[1:] == ["cheap only", "no checks"]


def test_checks_are_built_in_order_and_misspelt_ones_refused():
    matter = ToyMatter()
    tables = check_tables(matter, ())
    assert [c.name for c in build_checks(matter, tables, CONTEXT)] == ["small", "novel"]
    (check,) = build_checks(matter, [{"name": "small", "maximum": 5}], CONTEXT)
    assert check.options.maximum == 5
    with pytest.raises(SettingsError, match="known: small, novel"):
        build_checks(matter, [{"name": "smal"}], CONTEXT)
    with pytest.raises(SettingsError, match="unknown key"):
        build_checks(matter, [{"name": "small", "maxmum": 5}], CONTEXT)
    with pytest.raises(SettingsError, match="needs a name"):
        build_checks(matter, [{"maximum": 5}], CONTEXT)


def test_reasons_that_differ_in_numbers_are_counted_together():
    counts = count_reasons(["sum 31 above 30", "sum 3.5e1 above 30", "Na2O is known"])
    assert counts == {"sum … above …": 2, "Na2O is known": 1}
    many = count_reasons(["a" * n for n in range(1, 31)])
    assert many["other reasons"] == 10
    assert sum(many.values()) == 30


def test_a_budget_may_be_set_or_lifted_from_outside():
    chosen = [{"name": "small"}, {"name": "budget", "limit": 5, "per_formula": 2}]
    assert check_tables(ToyMatter(), chosen) == chosen
    assert check_tables(ToyMatter(), chosen, 7)[1] == {
        "name": "budget",
        "limit": 7,
        "per_formula": 2,
    }
    assert check_tables(ToyMatter(), chosen, 0) == [{"name": "small"}]
    assert check_tables(ToyMatter(), chosen[:1], unjudged="reject") == [
        {"unjudged": "reject", "name": "small"}
    ]
