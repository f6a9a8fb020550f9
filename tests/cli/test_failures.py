"""What the machine refuses is told in one line."""

from __future__ import annotations

import errno

import pytest
from typer.testing import CliRunner

from nucleate.cli.app import app
from nucleate.cli.failures import explained_failures
from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, validate
from nucleate.settings.sample import ConditionSettings, Window
from nucleate.vae.training.evaluation import choose_device


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "full", "out/a.csv"),
            "out/a.csv: the disk is full",
        ),
        (PermissionError(errno.EACCES, "denied", "out"), "out: no permission"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "the server does not answer"),
        (MemoryError(), "out of memory"),
    ],
)
def test_what_the_machine_refuses_is_no_defect(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit), explained_failures():
        raise error
    told = capsys.readouterr().err
    assert said in told
    assert "report" not in told
    assert told.count("\n") == 1


def test_a_device_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SettingsError, match="device 'cuda': there is none here"):
        choose_device("cuda")


@pytest.mark.parametrize("written", ["5", "=5", 5, 5.0, "5..5"])
def test_a_whole_number_is_a_window(written: object) -> None:
    assert validate(ConditionSettings, {"property": {"rings": written}}, "here").property[
        "rings"
    ] == Window(low=5, high=5)


class Inner(Settings):
    size: int = 1
    names: tuple[str, ...] = ()


class Outer(Settings):
    inner: Inner = Inner()
    share: float = 0.5
    on: bool = True
    text: str = ""
    logp: Window | None = None
    needed: int


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"inner": {"size": "many"}}, "inner.size: should be a whole number, not 'many'"),
        ({"inner": {"size": 1.5}}, "inner.size: should be a whole number, not 1.5"),
        ({"inner": {"sise": 1}}, "inner.sise: unknown key; known keys: names, size"),
        ({"inner": {"names": 3}}, "inner.names: should be a list, not 3"),
        ({"share": "half"}, "share: should be a number, not 'half'"),
        ({"share": [1]}, "share: should be a number, not [1]"),
        ({"on": "perhaps"}, "on: should be true or false"),
        ({"text": ["a"]}, "text: should be text, not ['a']"),
        ({"logp": "2.5"}, "'2.5' is one value, which a real number never meets"),
        ({"logp": "much"}, "'much' is not a window: write 2..3, >=2, <=3 or 5"),
        ({}, "needed: is missing, and has no default"),
        ({"inner": 3}, "inner: should be a table"),
    ],
)
def test_wrong_settings_are_told_in_plain_words(values: dict[str, object], said: str) -> None:
    given = values if not values else {"needed": 1, **values}
    with pytest.raises(SettingsError) as caught:
        validate(Outer, given, "here.toml")
    told = str(caught.value)
    assert said in told
    assert not any(word in told for word in ("Input should", "Value error", "pydantic", "instance"))


@pytest.mark.parametrize("rest", [["-n", "5"], [], ["--seed", "1"]])
def test_between_needs_two(rest: list[str]) -> None:
    result = CliRunner().invoke(app, ["sample", "--model", "molecules", "--between", "CCO", *rest])
    assert result.exit_code == 2
    assert "--between takes 2 values" in " ".join(result.output.replace("│", "").split())
