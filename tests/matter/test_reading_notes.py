"""Counts of what reading decided, and of cells that are no numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.core.errors import InputError
from nucleate.matter.reader import RawRow
from nucleate.matter.reading_notes import (
    SHOWN,
    SHOWN_NOTES,
    ReadingNotes,
    reading_lines,
    row_notes,
)


def row(number: int, value: float = math.nan, text: str = "") -> RawRow:
    unread = {"pIC50": text} if text else {}
    return RawRow(number, str(number), "C", {"pIC50": value}, "", unread)


def test_what_a_person_is_told() -> None:
    reading = ReadingNotes()
    reading.add(row(1, 5.0), ["left out sodium"])
    reading.add(row(2, text=">5"), ["left out sodium", "charges neutralised"])
    reading.add(row(3))  # an empty cell holds nothing
    assert reading_lines(reading.to_json()) == [
        "left out sodium: 2 rows",
        "charges neutralised: 1 row",
        "pIC50: 1 of 2 cells that hold something are no numbers: '>5' (row 2); these count as "
        "missing",
    ]


def test_nothing_to_tell_takes_no_place() -> None:
    reading = ReadingNotes()
    reading.add(row(1, 5.0))
    assert reading.to_json() == {}
    assert reading_lines({"rows": 3}) == []
    assert row_notes(row(1, 5.0), ()) is None


def test_a_row_says_what_was_decided_and_what_is_no_number() -> None:
    assert row_notes(row(2, text="45%"), ["left out sodium"]) == (
        "left out sodium; pIC50: '45%' is no number"
    )


def test_the_file_is_named_where_there_are_several() -> None:
    reading = ReadingNotes()
    reading.add(row(7, text="n/m"), source="second.csv")
    assert reading.column("pIC50").first == ["'n/m' (row 7 of second.csv)"]


@given(st.lists(st.sampled_from(["", "5", ">5", "45%"]), max_size=40))
def test_cells_add_up_and_only_the_first_are_shown(cells: list[str]) -> None:
    reading = ReadingNotes()
    for number, text in enumerate(cells, 1):
        value = 5.0 if text == "5" else math.nan
        reading.add(row(number, value, "" if text == "5" else text))
    counted = reading.column("pIC50")
    unread = [number for number, text in enumerate(cells, 1) if text in (">5", "45%")]
    assert (counted.numbers, counted.unread) == (cells.count("5"), len(unread))
    assert [one.split("(row ")[1] for one in counted.first] == [f"{n})" for n in unread[:SHOWN]]
    assert (f" and {len(unread) - SHOWN} more" in str(counted)) == (len(unread) > SHOWN)
    if len(unread) > cells.count("5"):
        with pytest.raises(InputError, match=rf"mine.csv.*pIC50.*{len(unread)} of "):
            reading.refuse_lost("pIC50", "mine.csv")
    else:
        reading.refuse_lost("pIC50", "mine.csv")


def test_many_different_notes_are_summed_up() -> None:
    reading = ReadingNotes()
    for number in range(SHOWN_NOTES + 5):
        reading.add(row(number), [f"note {number:02d}"])
    notes = reading.to_json()["reading"]["notes"]
    assert len(notes) == SHOWN_NOTES + 1
    assert notes["other notes"] == 5


def test_rejected_rows_are_told_with_the_first() -> None:
    reading = ReadingNotes()
    reading.reject("unreadable", "row 42: a quote opened in line 43 is never closed")
    reading.reject("unreadable", "row 50: 5 cells for 3 columns", rows=2)
    assert reading_lines(reading.to_json()) == [
        "rejected as unreadable: 3 rows; first row 42: a quote opened in line 43 is never closed"
    ]
