"""What the flows share: when a task is tried again, and how a funnel is shown in Prefect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import create_table_artifact

from nucleate.core.errors import DatasetError
from nucleate.report.formatting import reasons, words


def is_fetch_failure(_task: Any, _run: Any, state: Any) -> bool:
    """Whether trying again may help: a dataset could not be had."""
    return isinstance(state.result(raise_on_failure=False), DatasetError)


def show_funnel(rows: Sequence[Mapping[str, Any]], key: str) -> None:
    """Show a funnel as a table.

    Args:
        key: of the artifact: small letters, digits and dashes.
    """
    table = [
        {
            "check": words(row["check"]),
            "in": row["entered"],
            "passed": row["passed"],
            "not judged": row.get("not_judged", 0),
            "rejected for": reasons(row.get("reasons", {})),
        }
        for row in rows
    ]
    create_table_artifact(table, key=key)
