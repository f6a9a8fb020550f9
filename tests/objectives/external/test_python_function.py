"""A person's function: found by name, and free to raise, hang or die on a structure."""

import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.objectives.build_objectives import build
from nucleate.objectives.external import entry_points as reference
from nucleate.objectives.external.entry_points import load_function, takes_one
from nucleate.objectives.external.function_worker import as_numbers
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.process_state import commands_of_children, gone
from nucleate.testing.toy_matter import ToyMatter

SOURCE = '''
import os, subprocess, sys, time
import toy_helper

def total(structures, factor=1):
    """Sum of the numbers."""
    if any(s.startswith("9") for s in structures):
        raise ValueError("nines are refused")
    print("to standard output")
    return [factor * toy_helper.total(s) for s in structures]

def fragile(structure: str) -> float:
    first = structure[0]
    if first == "7":
        time.sleep(60)
    if first == "6":
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
        open(os.environ["TOY_CHILD"], "w").write(str(child.pid))
        time.sleep(60)
    if first == "8":
        os._exit(3)
    if first == "5":
        return None
    if first == "4":
        return float("nan")
    return toy_helper.total(structure)

def slow(structures):
    if any(s.startswith("7") for s in structures):
        time.sleep(60)
    return [toy_helper.total(s) for s in structures]

def short(structures):
    return [1.0]

def scalar(structures):
    return 1.0

def text(structure):
    return "high"
text.each = True

CONSTANT = 3
'''
HELPER = "def total(s):\n    return sum(map(float, s.split(',')))\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("objectives")
    (path / "toy_scores.py").write_text(SOURCE)
    (path / "toy_helper.py").write_text(HELPER)
    (path / "toy_broken.py").write_text("import nothing_of_that_name\n")
    return path


@contextmanager
def built(folder, name, **values):
    found = build(ToyMatter(), None, PropertySettings(python=name, **values), folder)
    try:
        yield found
    finally:
        found.close()


def test_a_function_of_a_module_takes_lists_and_arguments(folder, capfd):
    with built(folder, "toy_scores:total", arguments={"factor": 2}) as total:
        assert total.compute(["1,2,3,4", "0,0,0,1"]).tolist() == [20.0, 2.0]
        values = total.compute(["9,0,0,0", "1,0,0,0"])
        assert total.compute([]).shape == (0,)
    np.testing.assert_array_equal(values, [np.nan, 2.0])
    assert total.failures == {"9,0,0,0": "ValueError: nines are refused"}
    assert (total.name, total.unit) == ("total", "")
    assert total.description == "Python function toy_scores:total: Sum of the numbers."
    assert "to standard output" not in capfd.readouterr().out


def test_hangs_deaths_and_missing_values_cost_one_structure_each(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_CHILD", str(tmp_path / "child"))
    term = PropertySettings(python="toy_scores.py:fragile", timeout=0.5, low=0, high=10)
    objective = Objective(ToyMatter(), [term], folder=folder)
    objective.fit([])
    first = ["1,0,0,0", "6,0,0,0", "8,0,0,0", "5,0,0,0", "4,0,0,0", "2,0,0,0"]
    scored = objective.score(first)
    assert [s.score for s in scored] == pytest.approx([0.1, 0, 0, 0, 0, 0.2])
    assert [objective.reason(s) for s in first] == [
        "",
        "fragile: took longer than 0.5 s",
        "fragile: its process died (exit code 3)",
        "fragile: the function returned None",
        "fragile: returned nan",
        "",
    ]
    assert objective.failures()["fragile"]["returned nan"] == 1
    assert gone(int((tmp_path / "child").read_text()))  # what the function had started
    before = time.monotonic()
    objective.score(first)
    assert time.monotonic() - before < 0.3  # failures are remembered too
    objective.close()


def test_a_list_that_hangs_is_repeated_one_by_one(folder):
    with built(folder, "toy_scores:slow", timeout=0.5) as slow:
        values = slow.compute(["1,0,0,0", "7,0,0,0", "2,0,0,0"])
    np.testing.assert_array_equal(values, [1, np.nan, 2])
    assert slow.failures == {"7,0,0,0": "took longer than 0.5 s"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", "'toy_scores:short': the function returned 1 values for 2 structures"),
        ("text", "'toy_scores:text': the function returned 'high', a str, where a number is due"),
    ],
)
def test_a_result_of_the_wrong_shape_is_an_error_that_names_the_function(folder, name, message):
    objective = Objective(
        ToyMatter(), [PropertySettings(python=f"toy_scores:{name}")], None, folder
    )
    with pytest.raises(SettingsError, match=message):
        objective.raw(["1,0,0,0", "2,0,0,0"])


def test_an_import_that_fails_is_an_error_of_the_settings(folder):
    with pytest.raises(SettingsError, match="'toy_broken:f': importing it failed: ModuleNotFound"):
        build(ToyMatter(), None, PropertySettings(python="toy_broken:f"), folder)


def test_an_objective_that_fails_on_every_known_structure_ends_the_run(folder):
    objective = Objective(ToyMatter(), [PropertySettings(python="toy_scores:total")], None, folder)
    with pytest.raises(SettingsError, match=r"no value for any of 12 .* nines are refused"):
        objective.fit([f"9,0,0,{i}" for i in range(12)])
    objective.close()


# The rest needs no worker.


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy_scores:totl", "toy_scores has no function 'totl'; it has: total, fragile, slow"),
        ("toy_scores:CONSTANT", "is a int, not a function"),
        ("toy_scors:total", "no module named 'toy_scors' is installed or in "),
        ("nowhere/toy.py:total", "no file .*nowhere/toy.py"),
        ("toy_scores", "no entry point of that name .*module:function"),
    ],
)
def test_a_wrong_name_is_explained(folder, name, message, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SettingsError, match=message):
        load_function(name, folder)


def test_a_file_that_is_called_like_a_library_is_still_that_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "json.py").write_text("def f(structures):\n    return [7.0]\n")
    assert load_function("json.py:f", tmp_path)([]) == [7.0]
    assert hasattr(sys.modules["json"], "dumps")


def test_an_entry_point_is_found_by_its_name(monkeypatch):
    entry = SimpleNamespace(name="size", load=lambda: len)
    monkeypatch.setattr(
        reference, "entry_points", lambda group, name="size": [entry] * (name == "size")
    )
    assert load_function("size") is len
    with pytest.raises(SettingsError, match="known: size"):
        load_function("sise")


def test_a_function_of_one_structure_is_known_by_attribute_or_annotation():
    def annotated(structure: str) -> float: ...
    def listed(structures: list[str]) -> list[float]: ...
    def plain(structures): ...

    assert [takes_one(f) for f in (annotated, listed, plain, max)] == [True, False, False, False]
    plain.each = True
    annotated.each = False
    assert (takes_one(plain), takes_one(annotated)) == (True, False)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([1, None], ("values", [1.0, None])),
        ((True, np.float32(2)), ("values", [1.0, 2.0])),
        (np.array([1, 2]), ("values", [1.0, 2.0])),
        ([10**400, 1], ("values", [np.inf, 1.0])),
        (np.zeros((2, 1)), ("wrong", "returned a ndarray of shape (2, 1), not 2 numbers")),
        (3.0, ("wrong", "returned a float, not 2 numbers")),
        (None, ("wrong", "returned a NoneType, not 2 numbers")),
        ([[1], [2]], ("wrong", "returned [1], a list, where a number is due")),
        ((n for n in [1, 2]), ("wrong", "returned a generator, not 2 numbers")),
    ],
)
def test_results_are_numbers_or_explained(result, expected):
    assert as_numbers(result, 2) == expected


def test_no_worker_is_left_behind():
    assert not [command for command in commands_of_children() if "spawn_main" in command]
