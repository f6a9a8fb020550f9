"""`model.json`, which says what a trained model's folder holds. Light to import: no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.core.errors import CheckpointError, ResultsError
from nucleate.core.files import read_json

INFO_NAME = "model.json"


def read_info(folder: Path) -> dict[str, Any]:
    """Read `model.json`, unverified.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    if not (folder / INFO_NAME).is_file():
        raise CheckpointError(f"{folder}: not a trained model's folder (no {INFO_NAME} in it)")
    try:
        info: dict[str, Any] = read_json(folder / INFO_NAME)
    except ResultsError as error:
        raise CheckpointError(str(error)) from None
    return info
