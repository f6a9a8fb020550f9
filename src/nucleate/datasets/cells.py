"""What the cells of people's tables say: a number, a bound of one, a failure, or nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

EMPTY = frozenset(
    {
        *("", "-", "–", "—", ".", "?", "na", "n/a", "n.a.", "nan", "none", "null", "nil", "nd"),
        *("n.d.", "n/d", "nt", "n.t.", "missing", "pending", "not determined", "not tested"),
        *("#n/a", "#na", "<na>", "nat"),
    }
)
"""Cells, in lower case, that hold no value (yet)."""
FAILED = frozenset({"failed", "fail", "failure"})
"""Words, in lower case, for what could not be made or measured."""
TEXT_SHOWN = 60
_BOUNDS = {">": ">", ">=": ">", "≥": ">", "<": "<", "<=": "<", "≤": "<"}
_WORD = re.compile(r"(>=|<=|[<>≥≤])?\s*(\S+)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""What is a number: Python's own rule also takes 1_000 and other alphabets' digits."""


@dataclass(frozen=True)
class Cell:
    """What a cell says of a structure.

    Attributes:
        value: None where it failed.
        bound: `>` or `<` where the value is only a bound of the true one (censored).
        reason: why it failed.
    """

    value: float | None
    bound: str = ""
    reason: str = ""


def parse_cell(text: str, decimal_comma: bool = False) -> Cell | None:
    """A measurement: a number, a bound such as `>10`, or `failed: reason`; None if empty.

    Raises:
        ValueError: neither; the message says what it is.
    """
    text = text.strip()
    if text.lower() in EMPTY:
        return None
    word, _, reason = text.partition(":")
    if word.strip().lower() in FAILED:
        return Cell(None, reason=reason.strip() or "failed")
    match = _WORD.fullmatch(text)
    sign, digits = match.groups() if match else (None, text)
    if decimal_comma and digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    digits = digits.replace("−", "-")
    value = float(digits) if _NUMBER.fullmatch(digits) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:TEXT_SHOWN]!r} is not a number, a bound such as >10, or 'failed'")
    return Cell(value, _BOUNDS.get(sign or "", ""))


def read_number(value: Any, decimal_comma: bool = False) -> tuple[float, str]:
    """The number of a cell, NaN if there is none; and what stands there instead of one.

    A bound is no number, nor is a percentage, a range, a value with a unit, or a number with a
    comma that may part thousands as well as decimals. An empty cell holds nothing.

    Args:
        decimal_comma: whether numbers may be written with one (`parse_cell`).
    """
    if value is None:
        return math.nan, ""
    if isinstance(value, (Real, Decimal)) and not isinstance(value, bool):
        number = float(value)
        said = "" if math.isfinite(number) or math.isnan(number) else str(value)
        return (number, "") if math.isfinite(number) else (math.nan, said)
    text = str(value).strip()
    try:
        cell = parse_cell(text, decimal_comma)
    except ValueError:
        return math.nan, text[:TEXT_SHOWN]
    if cell is None:
        return math.nan, ""
    if cell.value is None or cell.bound:
        return math.nan, text[:TEXT_SHOWN]
    return cell.value, ""


def read_numbers(
    cells: Mapping[str, Any], names: Iterable[str], decimal_comma: bool = False
) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers of some columns by name, NaN where there is none, and what stands there instead."""
    found = {name: read_number(cells.get(name), decimal_comma) for name in names}
    return (
        {name: number for name, (number, _) in found.items()},
        {name: said for name, (_, said) in found.items() if said},
    )
