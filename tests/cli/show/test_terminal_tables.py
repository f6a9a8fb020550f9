"""Tables on the terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from nucleate.cli.show.terminal_tables import table


def shown(width: int, *arguments: Any, **how: Any) -> list[str]:
    out = StringIO()
    Console(width=width, file=out).print(table(*arguments, **how))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_structures_are_no_markup() -> None:
    rows = [("c1c[nH]cc1", "0.5"), ("C[C@H](N)O", "12")]
    columns = ("structure", "made_score")
    assert shown(60, columns, rows, "Best [of all]", right=("made_score",)) == [
        "Best [of all]",
        "structure   made score",
        "c1c[nH]cc1         0.5",
        "C[C@H](N)O          12",
    ]


def test_long_cells_are_folded_but_whole_ones() -> None:
    lines = shown(20, ("a", "b"), [("x" * 12, "y" * 12)], whole=("b",))
    assert any("y" * 12 in line for line in lines)
    assert not any("x" * 12 in line for line in lines)
