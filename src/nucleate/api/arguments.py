"""Arguments that several verbs share."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

from nucleate.core.errors import SettingsError
from nucleate.latent.latent_model import LatentModel

PLACE = "keyword arguments"
"""Of settings, in what is said of wrong ones."""


def model_place(model: Any) -> str | Path:
    """Return the name or folder of a model; that of a loaded one is where it was loaded from.

    Raises:
        SettingsError: it is none of these.
    """
    if isinstance(model, LatentModel):
        return model.folder
    if isinstance(model, (str, Path)):
        return model
    raise SettingsError(
        f"model: a {type(model).__name__} is neither a loaded model nor the name or folder of one"
    )


def whole_seed(seed: Any) -> int:
    """Return a seed, which may be a number of numpy's.

    Raises:
        SettingsError: it is no whole number.
    """
    try:
        return operator.index(seed)
    except TypeError:
        raise SettingsError(f"seed: {seed!r} is no whole number") from None


def column_names(properties: Any) -> tuple[str, ...]:
    """Return names of columns; one alone may be given as it is."""
    return (properties,) if isinstance(properties, str) else tuple(properties)
