"""Progress on a terminal, in a notebook, in the log of a command, and from Python."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from types import ModuleType

import pytest

from nucleate.core import progress
from nucleate.core.progress import bar, be_quiet, listening, loss_bar, phase, tell

Captured = pytest.CaptureFixture[str]


class ZMQInteractiveShell:
    """Stands for a Jupyter kernel's."""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What shows after two seconds shows at once."""
    monkeypatch.setattr(progress, "FIRST", 0.0)


def test_a_bar_shows_in_a_notebook_only(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert list(bar([1, 2], description="counting")) == [1, 2]
    assert "counting" not in capsys.readouterr().err
    notebook = ModuleType("IPython")
    notebook.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert list(bar([1, 2], description="counting")) == [1, 2]
    assert "counting" in capsys.readouterr().err


@pytest.mark.usefixtures("at_once")
def test_python_sessions_are_silent_without_a_terminal(capsys: Captured) -> None:
    with phase("reading"), bar(description="count", total=3) as shown:
        shown.update(3)
        tell("a note")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
def test_a_command_s_log_gets_lines_and_no_control_characters(capsys: Captured) -> None:
    with listening(), bar(description="screen", total=4, unit="row") as shown:
        shown.tick()
        shown.update(4)
        tell("a note")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["screen: 0 %, 0 of 4 rows, 00:00 so far", "a note"]
    assert re.fullmatch(r"screen: 4 rows in 00:00, [\d,.]+/s", lines[2])
    assert len(lines) == 3


def test_what_is_quick_says_nothing(capsys: Captured) -> None:
    with listening(), phase("quick"), loss_bar("fit", 3) as report:
        report(0, 1.0)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
def test_quiet_commands_say_nothing(capsys: Captured) -> None:
    with listening():
        be_quiet()
        with bar(description="screen", total=1) as shown:
            shown.update()
            tell("a note")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
def test_only_the_outermost_bar_that_knows_its_end_speaks(capsys: Captured) -> None:
    with listening(), phase("measure"), bar(description="outer", total=2) as outer:
        for _ in range(2):
            with bar(description="inner", total=1) as inner:
                inner.update()
            outer.update()
    said = capsys.readouterr().err
    assert "measure: outer: 2 steps" in said
    assert "measure: took" in said
    assert "inner" not in said


@pytest.mark.usefixtures("at_once")
def test_a_command_that_counts_nothing_gives_signs_of_life(capsys: Captured) -> None:
    with listening():
        progress._open[0].tick()
        time.sleep(0.01)
        progress._open[0].tick()
    assert capsys.readouterr().err == "nucleate: 00:00 so far\n"


def told(**given: object) -> dict[str, object]:
    """A bar's state."""
    usual = {"n": 0, "total": None, "elapsed": 10.0, "initial": 0, "rate": None, "unit": "row"}
    return {"prefix": "screen", "postfix": "", **usual, **given}


def test_lines_tell_stage_rate_and_time_left() -> None:
    whole = told(n=4000, total=10_000, postfix="best=0.5")
    assert progress.state_line(whole) == (
        "screen: 40 %, 4,000 of 10,000 rows, 400/s, 00:15 left; best=0.5"
    )
    assert progress.state_line(told(n=4000)) == "screen: 4,000 rows, 400/s, 00:10 so far"
    assert progress.state_line(told(n=2, total=4)) == (
        "screen: 50 %, 2 of 4 rows, 5 s each, 00:10 left"
    )
    assert progress.state_line(told()) == "screen: 00:10 so far"
    assert progress.state_line(told(n=2e6, total=4e6, unit="B")) == (
        "screen: 50 %, 2.00M of 4.00MB, 200kB/s, 00:10 left"
    )
    assert progress.end_line(told(n=4000)) == "screen: 4,000 rows in 00:10, 400/s"
    assert progress.end_line(told()) == "screen: took 00:10"


def test_lines_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST", 2.0)
    shown = progress._Lines(total=100, disable=False, delay=2.0)
    said = []
    now = [shown.start_t]
    shown._time = lambda: now[0]
    try:
        for second in range(36_000):
            now[0] = shown.start_t + second
            before = shown._due
            shown.display()
            if shown._due != before:
                said.append(second)
    finally:
        shown._due = float("inf")
        shown.disable = True
        shown._decr_instances(shown)
        progress._open.clear()
    assert said[:4] == [4, 15, 28, 44]
    assert len(said) < 80
    assert max(b - a for a, b in itertools.pairwise(said)) <= 601


SLOW = """
import time
from nucleate.core import progress
progress.FIRST = 0.3
with progress.listening(), progress.phase("load the model"):
    time.sleep(1.6)
with progress.listening(), progress.bar(description="screen", total=20, unit="row") as shown:
    for _ in range(20):
        time.sleep(0.05)
        shown.update()
"""


def test_a_terminal_shows_bars_with_rate_and_time_left() -> None:
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = subprocess.Popen([sys.executable, "-c", SLOW], stderr=theirs, close_fds=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux's end of a pseudo-terminal
            break
        if not part:
            break
        shown += part
    assert process.wait(30) == 0
    os.close(ours)
    text = shown.decode()
    assert "load the model [00:0" in text
    assert re.search(r"screen:\s+\d+%\|.*\d+/20 \[00:0\d<00:0\d, +[\d.]+row/s\]", text)


def test_a_pipe_gets_plain_lines() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "\r" not in done.stderr
    assert re.search(r"^load the model: 00:0\d so far$", done.stderr, re.M)
    assert re.search(r"^screen: 20 rows in 00:01, [\d.]+/s$", done.stderr, re.M)
