"""Stage: a run's folder -> `report.html`."""

from __future__ import annotations

from pathlib import Path

from nucleate.core.files import code_version, digest, write_text
from nucleate.report.collect import RunData, collect

PAGE_NAME = "report.html"


def report(run_folder: Path, *, fresh: bool = False) -> Path:
    """Write the page of a run, unless the one that is there shows the same.

    Args:
        fresh: write it in any case.

    Returns:
        Path of `report.html`.

    Raises:
        ResultsError: not a run's folder, a damaged file in it, or it cannot be written.
    """
    data = collect(run_folder)
    page = run_folder / PAGE_NAME
    key = _key(data)
    if fresh or not _shows(page, key):
        from nucleate.report.page import render

        write_text(page, render(data, key))
    return page


def _key(data: RunData) -> str:
    """Digest of all that the page shows."""
    stages = {m.name: {s: v["key"] for s, v in m.stages.items()} for m in data.matter}
    failures = {m.name: m.failure for m in data.matter}
    return digest([stages, failures, data.settings, code_version()])


def _shows(page: Path, key: str) -> bool:
    """Whether the page was made for that key, which stands near its top."""
    try:
        with page.open(encoding="utf-8") as file:
            return key in file.read(2000)
    except (OSError, UnicodeDecodeError):
        return False
