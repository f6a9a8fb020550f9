"""What a study's term may say, and what is said of one that is wrong."""

import tomllib

import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.objectives.build_objectives import build, computation, inputs_of
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import (
    ColumnSource,
    CommandSource,
    HeadSource,
    PropertySettings,
    PropertySource,
    PythonSource,
    source_of,
)
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.toy_matter import ToyMatter

TOML = """
[[objectives]]
property = "sum"
low = 0
high = 10

[[objectives]]
python = "my_module:score"
timeout = 20
goal = "maximise"

[[objectives]]
command = ["dock", "--json"]
slots = 4
goal = "minimise"

[[objectives]]
column = "pIC50"
data = { source = "assay.csv", structure_column = "SMI" }
acquisition = "lower"

[[objectives]]
head = "band_gap"
unit = "eV"
goal = "target"
target = 1.5
tolerance = 0.2
"""


def test_every_kind_is_read_from_toml_and_survives_json():
    settings = validate(OptimizeSettings, tomllib.loads(TOML), "study")
    sources = [source_of(term) for term in settings.objectives]
    assert [type(source) for source in sources] == [
        PropertySource, PythonSource, CommandSource, ColumnSource, HeadSource,
    ]  # fmt: skip
    assert sources[2].slots == 4
    assert sources[3].data.structure_column == "SMI"
    assert [source.column_name() for source in sources[1:]] == [
        "my_module_score", "dock", "pIC50", "band_gap",
    ]  # fmt: skip  # `score` is the name of another column
    again = validate(OptimizeSettings, settings.model_dump(mode="json"), "study")
    assert [source_of(term) for term in again.objectives] == sources


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "exactly one of .* given: none"),
        ({"property": "sum", "head": "sum"}, "given: property, head"),
        ({"property": "sum", "timeout": 3}, "property objective has no key timeout; .*weight"),
        ({"python": "a:b", "gaol": "target"}, "has no key gaol; known keys: .*goal.*timeout"),
        ({"command": ["dock"], "slots": 0}, "slots: should be greater than 0"),
        ({"command": ["dock"], "arguments": {"a": 1}}, "has no key arguments"),
        ({"command": []}, "given: none"),
        ({"column": "pIC50"}, "data: is missing"),
        ({"column": "y", "data": "y.csv", "coverage": 1.0}, "coverage: should be less than"),
        ({"head": "y", "name": "score"}, "'score' is the name of another column"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(SettingsError, match=message):
        validate(PropertySettings, values, "objective")


@pytest.mark.parametrize(
    ("command", "name"),
    [(["/opt/bin/dock.sh"], "dock"), (["python3", "-u", "a/dock.py"], "dock"), (["sh"], "sh")],
)
def test_a_command_is_called_by_its_telling_word(command, name):
    assert source_of(PropertySettings(command=command)).column_name() == name


def test_a_property_is_built_as_before():
    built = build(ToyMatter(), None, PropertySettings(property="sum"))
    assert built.compute(["1,2,3,4"]).tolist() == [10.0]


@pytest.mark.parametrize("term", [{"head": "gap"}, {"column": "gap", "data": "none.csv"}])
def test_without_a_model_a_prediction_has_a_name_but_no_value(term):
    objective = Objective(ToyMatter(), [PropertySettings(**term, low=0, high=1)])
    assert objective.names == ["gap"]
    with pytest.raises(SettingsError, match="gap needs a trained model"):
        objective.raw(["1,2,3,4"])


def test_files_that_terms_name_have_digests(tmp_path):
    (tmp_path / "assay.csv").write_text("a")
    (tmp_path / "mine.py").write_text("b")
    terms = [
        PropertySettings(property="sum"),
        PropertySettings(column="y", data="assay.csv"),
        PropertySettings(python="mine.py:f"),
        PropertySettings(python="some.module:f"),
    ]
    before = inputs_of(terms, tmp_path)
    assert list(before) == ["objective/1/assay.csv", "objective/2/mine.py"]
    (tmp_path / "mine.py").write_text("c")
    assert inputs_of(terms, tmp_path) != before


def test_programs_that_a_command_names_have_digests(tmp_path):
    (tmp_path / "prog.py").write_text("a")
    (tmp_path / "run").write_text("b")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "log.txt").write_text("what the program writes")
    (tmp_path / "python").write_text("not the one that is run")
    (tmp_path / "mine.py").write_text("c")
    command = ("python", "prog.py", "./run", "log.txt", "--json", "x" * 5000)
    terms = [PropertySettings(command=command), PropertySettings(python="mine:f")]
    before = inputs_of(terms, tmp_path)
    assert list(before) == ["objective/0/prog.py", "objective/0/./run", "objective/1/mine"]
    (tmp_path / "prog.py").write_text("b")
    assert inputs_of(terms, tmp_path) != before


def course(**changes):
    term = changes.pop("term", {"property": "sum"})
    return OptimizeSettings(objectives=(PropertySettings(**term),), **changes).course()


@pytest.mark.parametrize(
    ("plain", "more"),
    [
        ({"command": ["dock"]}, {"timeout": 1, "retries": 0, "slots": 4, "batch": 2}),
        ({"python": "a:b"}, {"timeout": 1, "start_timeout": 2}),
    ],
)
def test_how_an_objective_is_run_makes_no_other_study(plain, more):
    assert course(term=plain | more) == course(term=plain)
    assert course(term=plain | {"as": "structure"}) != course(term=plain)
    one, other = (
        computation("toy", PropertySettings(**term), "model") for term in (plain, plain | more)
    )
    assert one.what == other.what
    assert one.limits != other.limits


def test_batches_and_boxes_are_no_part_of_a_search_of_ours():
    free = {"batch": 7, "starts": 3, "radius": 0.5, "dimensions": 4, "temperature": 0.5}
    assert course(**free) == course()
    for key, value in free.items():
        boxes = {"sampler": "cmaes", key: value}
        assert course(**boxes) == course(sampler="cmaes") | {key: value}


def test_what_computes_a_term_is_told_apart_from_what_is_wanted_of_it(tmp_path):
    (tmp_path / "mine.py").write_text("a")

    def what(model="model", version="", **term):
        return computation("toy", PropertySettings(**term), model, tmp_path, version).what

    plain = what(property="sum")
    assert plain == what("another", property="sum", goal="minimise", low=0, high=2, weight=3)
    assert plain == what(property="sum", constraint=True, high=1.0)
    assert len({plain, what(property="spread"), what(property="sum", version="2")}) == 3
    assert plain != what(property="sum", arguments={"to": 1})
    assert what(head="gap") != what("another", head="gap")
    mine = what(python="mine.py:f")
    assert mine == what("another", python="mine.py:f", name="own", unit="eV")
    (tmp_path / "mine.py").write_text("b")
    assert mine != what(python="mine.py:f")
