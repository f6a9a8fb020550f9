"""Options that are fields of settings, and commands of other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner, Result

from nucleate.cli.app import plug_ins
from nucleate.cli.options import (
    Given,
    SettingsCommand,
    Spelling,
    comma_separated,
    from_settings,
    windows,
)
from nucleate.core.errors import NucleateError, SettingsError
from nucleate.core.settings import Settings
from nucleate.settings.fields import field_facts, settings_at


class Inner(Settings):
    size: Annotated[int, Field(gt=0)] | None = None
    """How large."""
    mild: bool = False
    """Whether it is."""


class Outer(Settings):
    name: str
    """What it is called [in the table]."""
    kind: Literal["one", "two"] = "one"
    """Which one."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How much."""
    columns: tuple[str, ...] = ("a", "b")
    """Which columns."""
    ends: tuple[str, str] | None = None
    """Both ends."""
    inner: Inner = Inner()
    """A table."""
    words: tuple[str, ...] = ()
    """Several."""


FOUND: list[Given] = []
app = typer.Typer(add_completion=False)


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_test:Outer",
    "name! kind share=-s,--share columns ends inner.* -inner.mild words",
    {
        "words": Spelling("--word", "W,...", list[str], comma_separated),
        "size": Spelling(more="Or not."),
    },
)
def command(first: str, given: Given, last: int = 3) -> None:
    """Try it."""
    FOUND.append(given)
    assert (first, last) == ("here", 4)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    module = type("Module", (), {"Outer": Outer})
    monkeypatch.setattr("nucleate.cli.options.import_module", {"nucleate_test": module}.get)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")
    FOUND.clear()
    return lambda *arguments: CliRunner().invoke(app, ["here", *arguments, "--last", "4"])


def test_only_what_was_given_is_given(call: Callable[..., Result]) -> None:
    result = call("--name", "x", "-s", "1", "--columns", "a,b", "--ends", "l", "r", "--size", "7")
    assert result.exit_code == 0, result.output
    table = {"name": "x", "share": 1, "columns": ["a,b"], "ends": ["l", "r"], "inner": {"size": 7}}
    assert FOUND[0].values == table
    assert FOUND[0].settings(kind="two") == Outer(**{**table, "kind": "two"})
    assert call("--name", "x", "--word", "a, b", "--word", "c").exit_code == 0
    assert FOUND[1].values == {"name": "x", "words": ("a", "b", "c")}


def test_help_is_what_the_settings_say(call: Callable[..., Result]) -> None:
    said = " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    for part in (
        "What it is called [in the table]. [required]",
        "--kind one|two Which one. [default: (one)]",
        "[0<=x<=1] How much. [default: (0.5)]",
        "Which columns. [default: (a, b)]",
        "[x>=1] How large. Or not.",
        "--word W,... Several.",
    ):
        assert part in said.replace("│ ", "")
    assert "--mild" not in said
    assert said.index("--name") < said.index("--word") < said.index("--last")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--name'"),
        (["--name", "x", "--size", "0"], "'--size': Input should be greater than or equal to 1"),
        (["--name", "x", "--share", "much"], "'--share': Input should be a valid number"),
        (["--name", "x", "--sise", "1"], "No such option: --sise"),
    ],
)
def test_what_cannot_be_is_refused(
    call: Callable[..., Result], arguments: list[str], message: str
) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", "").split())


def test_facts_of_fields() -> None:
    facts = field_facts(Outer)
    assert (facts["columns"].kind, facts["columns"].members) == (list, (str,))
    assert (facts["ends"].kind, facts["ends"].members) == (tuple, (str, str))
    assert (facts["kind"].kind, facts["kind"].choices) == (str, ("one", "two"))
    assert (facts["share"].low, facts["share"].high) == (0, 1)
    assert facts["name"].required
    assert settings_at(Outer, "inner") is Inner
    assert settings_at(Outer, "") is Outer


def test_windows_of_properties() -> None:
    assert windows(["logP=2..3", "QED>=0.6", "sa <= 3", "tpsa=>=20"]) == {
        "logP": "2..3", "QED": ">=0.6", "sa": "<=3", "tpsa": ">=20",
    }  # fmt: skip
    with pytest.raises(SettingsError, match="--property qed is given twice"):
        windows(["qed=1..2", "qed>=1"])
    with pytest.raises(SettingsError, match="write NAME=LOW"):
        windows(["qed="])


def test_commands_of_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(group: str) -> Iterable[Any]:
        assert group == "nucleate.commands"
        return [
            EntryPoint("benchmark", "nowhere_at_all:app", group),
            EntryPoint("datasets.show-more", "nucleate.cli.runs:report", group),
            EntryPoint("own", "nucleate.cli.runs:nothing", group),
        ]

    monkeypatch.setattr("nucleate.cli.app.entry_points", entry_points)
    found = dict(plug_ins())
    assert set(found) == {"benchmark", "datasets build", "datasets show-more", "own"}
    for name, why in (
        ("benchmark", r"pip install 'nucleate\[benchmarks\]'"),
        ("datasets build", r"pip install 'nucleate\[benchmarks\]'"),
        ("own", "cannot be loaded: AttributeError"),
    ):
        with pytest.raises(NucleateError, match=why):
            found[name](None)  # type: ignore[operator]
