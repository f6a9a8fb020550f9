"""Where the catalogue and the embedded datasets lie."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """The folder with `catalogue.toml` and the embedded datasets.

    A checkout's own `data/`; in an installed wheel the copy inside the package.
    """
    checkout = Path(__file__).resolve().parents[3] / "data"
    if (checkout / "catalogue.toml").exists():
        return checkout
    return Path(__file__).resolve().parents[1] / "_data"


def download_folder() -> Path:
    """Where fetched datasets are kept: `NUCLEATE_DATA`, else `data/downloads` of a checkout,
    else the user's cache folder."""
    chosen = os.environ.get("NUCLEATE_DATA")
    if chosen:
        return Path(chosen)
    folder = data_folder()
    if folder.name == "data":
        return folder / "downloads"
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "nucleate"
