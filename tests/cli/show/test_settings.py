"""The settings reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import Result

from nucleate.cli.show.settings import settings_reference
from nucleate.core.settings import Settings, field_descriptions
from nucleate.settings import data, evolution, model, objectives, run, sample, screen, study

MODULES = (data, evolution, model, objectives, run, sample, screen, study)
CLASSES = [
    cls
    for module in MODULES
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, Settings) and cls.__module__ == module.__name__
]
DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("cls", CLASSES)
def test_every_key_is_explained(cls: type[BaseModel]) -> None:
    explained = field_descriptions(cls)
    if cls is objectives.PropertySource:  # the same keys as in `PropertySettings`
        return
    assert [name for name in cls.model_fields if name not in explained and name != "kind"] == []


def test_the_reference_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == settings_reference(), (
        "write it anew: nucleate settings > docs/settings.md"
    )


def test_the_reference_tells_type_default_and_meaning(nucleate: Callable[..., Result]) -> None:
    lines = nucleate("settings").stdout.splitlines()
    for line in (
        "## TrainSettings",
        "Where: `matter.NAME.train`.",
        "| `epochs` | whole number, 1 or more | `40` | Passes over the training set. |",
        "| `beta` | number, 0 or more | `0.02` | Weight of the KL divergence: the price of a nat "
        "of rate in nats of distortion. |",
        "| `prior` | [PriorSettings](#priorsettings) |  | What latent vectors are drawn from. |",
        "A study's own file, `nucleate optimize STUDY.toml`. All keys of "
        "[OptimizeSettings](#optimizesettings), and:",
        "Where: `conditions` of crystals.",
    ):
        assert line in lines
