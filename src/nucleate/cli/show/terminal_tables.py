"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str = "",
    *,
    right: Collection[str] = (),
    whole: Collection[str] = (),
    dim: Collection[str] = (),
    widest: int | None = None,
) -> Table:
    """A table without lines; brackets in its cells (`[nH]`) are text, not markup.

    Args:
        columns: headings; words may be joined by underscores.
        right: columns of numbers, aligned to the right.
        whole: columns whose cells are not broken into lines.
        dim: columns in a faint style.
        widest: characters of the first column, at most.
    """
    from rich.markup import escape
    from rich.table import Table

    out = Table(title=escape(title) or None, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        out.add_column(
            name.replace("_", " "),
            justify="right" if name in right else "left",
            no_wrap=name in whole,
            style="dim" if name in dim else "",
            overflow="fold",
            max_width=None if place else widest,
        )
    for row in rows:
        out.add_row(*map(escape, row))
    return out
