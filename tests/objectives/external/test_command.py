"""An external program that crashes, hangs, babbles and answers in part."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.objectives.build_objectives import build, inputs_of
from nucleate.objectives.external.command import read_output
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.process_state import gone
from nucleate.testing.toy_matter import ToyMatter

START = """
import json, os, sys, time
items = [json.loads(line) for line in sys.stdin]
folder = os.path.dirname(os.path.abspath(__file__))
def answer(item, value):
    print(json.dumps({"id": item["id"], "value": value}), flush=True)
def total(item):
    return sum(map(float, item["numbers"].split(",")))
"""
PROGRAMS = {
    "plain": "for item in reversed(items): answer(item, total(item))",
    "crash": """
for item in items:
    if item["structure"].startswith("9"):
        sys.exit("nines bring me down")
    answer(item, total(item))
""",
    "hang": """
for item in items:
    if item["structure"].startswith("9"):
        import subprocess
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
        open(os.path.join(folder, "child"), "w").write(str(child.pid))
        time.sleep(60)
    answer(item, total(item))
""",
    "garbage": """
print("starting the engine")
print(json.dumps({"id": 77, "value": 1}))
for item in items:
    if item["structure"].startswith("9"):
        print("{broken")
    elif item["structure"].startswith("8"):
        print(json.dumps({"id": item["id"], "value": float("nan")}))
    elif item["structure"].startswith("7"):
        print(json.dumps({"id": item["id"], "error": "no conformer"}))
    elif item["structure"].startswith("6"):
        print(json.dumps({"id": item["id"], "value": "high"}))
    else:
        answer(item, total(item))
""",
    "flaky": """
mark = os.path.join(folder, "mark" + items[0]["structure"])
if os.path.exists(mark):
    for item in items: answer(item, total(item))
open(mark, "w").close()
""",
    "times": """
start = time.time(); time.sleep(0.5)
for item in items: answer(item, start)
""",
    "deaf": "for n in range(3): print(json.dumps({'id': n, 'value': n}))",
    "babble": "import itertools\nwhile True: print('x' * 1000)",
}


@pytest.fixture
def make(tmp_path):
    """A property of the program of that name."""

    def made(name, **values):
        path = tmp_path / f"{name}.py"
        path.write_text(PROGRAMS[name] if name == "deaf" else START + PROGRAMS[name])
        if name == "deaf":
            path.write_text("import json\n" + PROGRAMS[name])
        settings = {"timeout": 5.0, **values}
        term = PropertySettings(command=[sys.executable, "-S", str(path)], **settings)
        return build(ToyMatter(), None, term)

    return made


def test_answers_in_any_order_over_many_calls(make):
    plain = make("plain", batch=3)
    structures = [f"{i},0,0,1" for i in range(8)]
    assert plain.compute(structures).tolist() == [i + 1.0 for i in range(8)]
    assert plain.failures == {}
    assert plain.name == "plain"
    assert plain.compute([]).shape == (0,)


@pytest.mark.parametrize(("retries", "calls_lost"), [(0, ["2,0,0,0"]), (1, [])])
def test_a_crash_costs_what_was_not_answered(make, retries, calls_lost):
    crash = make("crash", retries=retries)
    values = crash.compute(["1,0,0,0", "9,0,0,0", "2,0,0,0"])
    np.testing.assert_array_equal(values, [1, np.nan, np.nan if calls_lost else 2])
    assert list(crash.failures) == ["9,0,0,0", *calls_lost]
    assert crash.failures["9,0,0,0"] == "no answer; return code 1; stderr: nines bring me down"


def test_a_hang_is_killed_with_all_its_children(make, tmp_path):
    hang = make("hang", timeout=0.5, retries=0)
    values = hang.compute(["1,0,0,0", "9,0,0,0", "2,0,0,0"])
    np.testing.assert_array_equal(values, [1, np.nan, np.nan])
    assert hang.failures["2,0,0,0"] == "no answer within 0.5 s"
    assert gone(int((tmp_path / "child").read_text()))


def test_every_failure_has_its_reason(make):
    garbage = make("garbage")
    values = garbage.compute([f"{i},0,0,0" for i in (1, 9, 8, 7, 6)])
    np.testing.assert_array_equal(values, [1, *[np.nan] * 4])
    reasons = garbage.failures
    assert reasons["9,0,0,0"] == (
        "no answer; 3 lines of output no answer, first: 'starting the engine'; return code 0"
    )
    assert reasons["8,0,0,0"] == "the value is nan"
    assert reasons["7,0,0,0"] == "no conformer"
    assert reasons["6,0,0,0"] == 'the value is not a number: "high"'


def test_what_has_no_answer_is_asked_again(make):
    assert make("flaky").compute(["1,0,0,0", "2,0,0,0"])[0] == 1.0  # the first one's mark is there
    assert np.isnan(make("flaky", retries=0).compute(["3,0,0,0"]))


def test_slots_run_side_by_side(make):
    starts = make("times", slots=4, batch=1).compute([f"{i},0,0,0" for i in range(4)])
    assert np.ptp(starts) < 0.5


def test_a_program_that_reads_nothing_cannot_block(make):
    assert make("deaf").compute(["1,0,0,0" + ",0" * 50_000] * 3).tolist() == [0, 1, 2]


def test_endless_output_ends_with_the_time(make):
    babble = make("babble", timeout=0.3, retries=0)
    assert np.isnan(babble.compute(["1,0,0,0"]))
    assert babble.failures["1,0,0,0"].startswith("no answer within 0.3 s; ")


def test_a_failure_costs_only_its_structure_in_a_search(make, tmp_path):
    make("crash")
    term = PropertySettings(
        command=[sys.executable, "-S", str(tmp_path / "crash.py")], low=0, high=10
    )
    objective = Objective(ToyMatter(), [term])
    objective.fit([])
    scores = [s.score for s in objective.score(["5,0,0,0", "9,0,0,0"])]
    assert scores == [0.5, 0.0]
    assert "nines bring me down" in objective.reason("9,0,0,0")
    again = Objective(ToyMatter(), [term])
    again.remember("9,0,0,0", {"crash": None}, objective.reasons("9,0,0,0"))
    assert again.reason("9,0,0,0") == objective.reason("9,0,0,0")


def test_an_unknown_program_is_named():
    with pytest.raises(SettingsError, match="no program 'no_such_program'"):
        build(ToyMatter(), None, PropertySettings(command=["no_such_program"]))


def test_a_relative_program_is_that_of_the_settings_folder(tmp_path):
    program = tmp_path / "bin" / "one.sh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "{\\"id\\": \\"0\\", \\"value\\": 1}"\npwd >&2\n')
    program.chmod(0o755)
    one = build(ToyMatter(), None, PropertySettings(command=["bin/one.sh"]), tmp_path)
    assert one.compute(["1,0,0,0"]).tolist() == [1.0]


@pytest.mark.parametrize("name", ["./one.sh", "one.sh", "sub/../one.sh", "{folder}/one.sh"])
def test_a_program_beside_the_settings_is_found_however_it_is_written(tmp_path, name):
    (tmp_path / "sub").mkdir()
    program = tmp_path / "one.sh"
    program.write_text('#!/bin/sh\necho "{\\"id\\": 0, \\"value\\": 1}"\n')
    program.chmod(0o755)
    term = PropertySettings(command=[name.format(folder=tmp_path)])
    assert build(ToyMatter(), None, term, tmp_path).compute(["1,0,0,0"]).tolist() == [1.0]
    before = inputs_of((term,), tmp_path)
    program.write_text('#!/bin/sh\necho "{\\"id\\": 0, \\"value\\": 2}"\n')
    assert inputs_of((term,), tmp_path) != before  # another program makes another study


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"#!/bin/sh\necho\n", 0o644, "not marked as a program; `chmod [+]x "),
        (b"#!/bin/sh\r\necho\r\n", 0o755, "its lines end as on Windows .* mends them"),
        (b"\xef\xbb\xbf#!/bin/sh\necho\n", 0o755, "an invisible mark"),
        (b"#!/nowhere/python3 -u\n", 0o755, "there is no /nowhere/python3 to run it with"),
        (b"#!\n", 0o755, "there is no interpreter"),
        (b"import json\n", 0o755, "its first line does not say with what"),
    ],
)
def test_a_program_that_cannot_be_run_says_why(tmp_path, content, mode, told):
    program = tmp_path / "one.sh"
    program.write_bytes(content)
    program.chmod(mode)
    if mode == 0o644 and os.geteuid() == 0 and os.access(program, os.X_OK):
        pytest.skip("everything is a program here")
    with pytest.raises(SettingsError, match=f"one.sh cannot be run: .*{told}"):
        build(ToyMatter(), None, PropertySettings(command=["./one.sh"]), tmp_path)


def test_of_odd_output_only_answers_are_read():
    text = '\n{"id": true, "value": 1}\n[1]\n{"id": 0}\n{"id": 0, "value": 1}\n' + "[" * 100_000
    output = read_output(
        text + '\n{"id": 0, "value": 2}\n{"id": 1, "value": 1' + "0" * 400 + "}", 2
    )
    assert output.answers[0].value == 2
    assert output.answers[1].reason == "the value is inf"
    assert len(output.garbage) == 4


INTERRUPTED = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from nucleate.testing.toy_matter import ToyMatter
from nucleate.settings.objectives import PropertySettings
from nucleate.objectives.build_objectives import build
if __name__ == "__main__":
    term = PropertySettings(command=[sys.executable, "-S", {program!r}], slots=2, batch=1)
    print("ready", flush=True)
    build(ToyMatter(), None, term).compute(["9,0,0,0", "9,0,0,1"])
"""


def test_an_interrupt_kills_what_runs(make, tmp_path):
    make("hang")
    script = tmp_path / "interrupted.py"
    program = str(tmp_path / "hang.py")
    script.write_text(INTERRUPTED.format(program=program))
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        child = tmp_path / "child"
        for _ in range(200):
            if child.exists() and child.read_text():
                break
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in complaints
    assert gone(int(child.read_text()))
