"""Numbers, reasons and names as they read in the report and on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nucleate.report.collect import MatterData


def number(value: Any) -> str:
    """A value as people write it: three or four significant digits, thousands separated; from a
    thousand million on as a power of ten."""
    if value is None:
        return "–"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if math.isnan(value):
            return "–"
        if abs(value) >= 1e9:
            return f"{value:.3g}"
        if abs(value) >= 1000:
            return f"{value:,.0f}"
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
    return str(value)


def score(value: float) -> str:
    """A score in [0, 1] with as many digits as tell it from 1, of which the last two count."""
    if not 0.99 < value < 1:
        return number(float(value))
    digits = min(math.ceil(-math.log10(1 - value)) + 1, 12)
    return f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return "–" if value is None else f"{100 * value:.1f} %"


def words(name: str) -> str:
    """A snake_case name as words."""
    return name.replace("_", " ")


def reasons(counts: Mapping[str, int], most: int = 3) -> str:
    """The commonest reasons of rejection with their counts."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = [f"{words(reason)} ({count:,})" for reason, count in ordered[:most]]
    rest = sum(count for _, count in ordered[most:])
    return "; ".join([*shown, f"other reasons ({rest:,})"] if rest else shown)


def unjudged(data: MatterData) -> str:
    """How many of the candidates each check could not judge: `bond valence 15, elastic 2`."""
    return ", ".join(f"{words(check)} {count:,}" for check, count in data.unjudged.most_common())


def candidate_title(data: MatterData, row: Mapping[str, Any]) -> str:
    """What a candidate is called in one line."""
    structure = str(row.get(data.structure_column, ""))
    return structure if data.kind is None else data.kind.export.title(structure)


def is_plain(value: Any) -> bool:
    """Whether a cell can be shown: neither missing nor an array."""
    if isinstance(value, str):
        return bool(value)
    if hasattr(value, "__len__"):
        return False
    return not pd.isna(value)
