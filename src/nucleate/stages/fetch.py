"""Fetch: make every dataset file that a run will read be here, verified."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nucleate.core.errors import DatasetError
from nucleate.datasets import catalogue
from nucleate.datasets.sources import resolve
from nucleate.settings.run import PipelineSettings


def fetch(settings: PipelineSettings, matter_name: str, *, mirror: str | None = None) -> list[Path]:
    """Files of the dataset and of the reference sets, in order.

    The other stages fetch what they lack themselves; this one exists so that everything that needs
    a network happens first, and can be tried again.

    Raises:
        DatasetError: unknown, or cannot be fetched.
        InputError: a person's own file does not exist.
    """
    wanted = (settings.featurize.dataset, *settings.screen.reference)
    return [source.path for one in wanted for source in resolve(one, matter_name, mirror)]


def builder(name: str) -> Callable[..., Any]:
    """The function that makes an embedded dataset anew (`nucleate datasets build NAME`).

    Raises:
        DatasetError: no such dataset, or it is not made here.
    """
    dataset = catalogue.get(name)
    if dataset.builder is None:
        made = ", ".join(d.name for d in catalogue.load().values() if d.builder)
        raise DatasetError(f"dataset {name} is not made by this project; those that are: {made}")
    module, _, function = dataset.builder.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
