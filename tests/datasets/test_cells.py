"""Cells of people's tables."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.datasets.cells import EMPTY, read_number, read_numbers


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("5.65", 5.65),
        (" +.5 ", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("−3", -3.0),
        ("-0", 0.0),
        (7, 7.0),
        (2.5, 2.5),
        (Decimal("1.25"), 1.25),
    ],
)
def test_numbers_are_read(value: object, number: float) -> None:
    assert read_number(value) == (number, "")


@pytest.mark.parametrize(
    "text",
    [
        *(">5", "<=0.1", "~5", "45%", "1,234", "1.234,5", "1 234", "TRUE", "5 nM", "5±1", "1-2"),
        *(
            "1_000",
            "inf",
            "-inf",
            "1e400",
            "two",
            "٣",
            "5.1(2)",
            "failed: broken",
            "0x10",
            "########",
        ),
    ],
)
def test_what_is_no_number_is_told(text: str) -> None:
    number, said = read_number(text)
    assert math.isnan(number)
    assert said == text


@pytest.mark.parametrize("value", [*sorted(EMPTY), "  ", "NaN", "N/A", None, math.nan])
def test_what_is_empty_is_nothing(value: object) -> None:
    number, said = read_number(value)
    assert math.isnan(number)
    assert said == ""


def test_truth_and_infinity_are_no_numbers() -> None:
    assert read_number(True)[1] == "True"
    assert read_number(math.inf)[1] == "inf"


def test_decimal_commas_where_cells_are_parted_otherwise() -> None:
    assert read_number("5,65", decimal_comma=True) == (5.65, "")
    assert read_number("5.65", decimal_comma=True) == (5.65, "")
    assert read_number("1.234,5", decimal_comma=True)[1] == "1.234,5"
    assert read_number("5,65")[1] == "5,65"


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["r", "e", "comma"]))
def test_every_number_comes_back(number: float, how: str) -> None:
    text = repr(number) if how == "r" else f"{number:.17e}"
    if how == "comma":
        text = text.replace(".", ",")
    assert read_number(text, decimal_comma=how == "comma") == (number, "")


@given(st.text(max_size=12))
def test_no_text_is_taken_for_a_number_that_it_does_not_spell(text: str) -> None:
    number, said = read_number(text)
    if math.isnan(number):
        assert said == text.strip()[:60] or text.strip().lower() in EMPTY
    else:
        assert float(text.replace("−", "-")) == number


def test_columns_are_read_by_name() -> None:
    values, unread = read_numbers({"a": "1", "b": ">5", "c": ""}, ("a", "b", "c", "d"))
    assert values["a"] == 1
    assert all(math.isnan(values[name]) for name in "bcd")
    assert unread == {"b": ">5"}
