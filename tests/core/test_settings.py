"""What all settings have in common."""

from __future__ import annotations

from typing import ClassVar

import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, field_descriptions, validate
from nucleate.settings.evolution import EvolutionSettings


class Parent(Settings):
    RENAMED: ClassVar[dict[str, str]] = {"heat": "temperature"}

    temperature: float = 1.0
    """Of the
    decoder."""
    low: int = 0
    high: int = 9
    """Ends of the window."""
    silent: bool = False


class Child(Parent):
    silent: bool = True
    """Whether anything is said."""


def test_descriptions_are_the_strings_under_fields() -> None:
    assert field_descriptions(Child) == {
        "temperature": "Of the decoder.",
        "low": "Ends of the window.",
        "high": "Ends of the window.",
        "silent": "Whether anything is said.",
    }
    assert "silent" not in field_descriptions(Parent)


def test_a_former_name_is_read_with_a_warning() -> None:
    with pytest.warns(FutureWarning, match="heat is now called temperature"):
        assert validate(Child, {"heat": 2}, "here").temperature == 2
    with (
        pytest.warns(FutureWarning),
        pytest.raises(SettingsError, match="heat and temperature are the same"),
    ):
        validate(Child, {"heat": 2, "temperature": 3}, "here")
    with pytest.raises(SettingsError, match="unknown key; known keys: high, low, silent, temper"):
        validate(Child, {"heats": 2}, "here")


@pytest.mark.parametrize(("old", "new"), EvolutionSettings.RENAMED.items())
def test_screened_evolution_knows_its_former_names(old: str, new: str) -> None:
    with pytest.warns(FutureWarning, match=f"{old} is now called {new}"):
        settings = validate(EvolutionSettings, {old: 1}, "here")
    assert getattr(settings, new) == 1
