"""A pandas table of structures that draws them in a notebook and makes objects of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from nucleate.core.errors import InputError, SettingsError
from nucleate.matter import registry
from nucleate.matter.base import Matter

DRAWN = 12
"""Rows that are drawn in a notebook."""


class StructureTable(pd.DataFrame):  # type: ignore[misc]
    """A DataFrame with a column of structures: `smiles`, `crystal`.

    Attributes:
        matter_name: kind of matter of the structures.
        attrs: pandas' own; `summary` holds what the verb counted and measured.
    """

    _metadata = ["matter_name"]  # noqa: RUF012 (pandas' own)
    matter_name: str = ""

    @property
    def _constructor(self) -> type[StructureTable]:
        return StructureTable

    def __finalize__(self, other: Any, method: str | None = None, **kwargs: Any) -> Any:
        """Pass the kind of matter on, also through `concat` and `merge`, where the parts agree."""
        super().__finalize__(other, method=method, **kwargs)
        parts = (
            getattr(other, "objs", None)
            or getattr(other, "input_objs", None)
            or [getattr(other, side, None) for side in ("left", "right")]
        )
        names = {getattr(part, "matter_name", "") for part in parts} - {""}
        if not self.matter_name and len(names) == 1:
            (self.matter_name,) = names
        return self

    @property
    def _structures(self) -> list[str | None]:
        column = registry.get(self.matter_name).structure_column if self.matter_name else ""
        if column not in self.columns:
            raise InputError(
                f"this table has no column {column!r} of structures any more; it has: "
                + ", ".join(map(str, self.columns))
            )
        return [value if isinstance(value, str) else None for value in self[column]]

    def to_objects(self, form: str | None = None) -> list[Any]:
        """Objects of the structures; None where there is none.

        Args:
            form: `rdkit` of molecules; `pymatgen` (the default) or `ase` of crystals; `string`:
                SMILES, the text of a CIF.

        Raises:
            SettingsError: another form; lists those that there are.
            InputError: the column of structures was left out.
        """
        export = registry.get(self.matter_name).export
        forms = (*export.object_forms, "string")
        form = forms[0] if form is None else form
        if form not in forms:
            raise SettingsError(f"{self.matter_name} come as {', '.join(forms)}, not as {form!r}")
        make = export.exchange if form == "string" else (lambda one: export.to_object(one, form))
        return [None if one is None else make(one) for one in self._structures]

    def with_properties(self, *names: str, **arguments: Any) -> StructureTable:
        """The table with a column for each property (see `nucleate objectives`).

        Args:
            arguments: of the properties, e.g. `reference="CCO"` of a similarity.

        Raises:
            SettingsError: no such property; lists those that there are.
        """
        properties = registry.get(self.matter_name).properties
        structures = self._structures
        known = [one for one in structures if one is not None]
        table = self.copy()
        for name in names:
            values = iter(properties.build(name, arguments).compute(known) if known else ())
            table[name] = [float("nan") if s is None else float(next(values)) for s in structures]
        return table

    def _repr_html_(self) -> str | None:
        column = registry.get(self.matter_name).structure_column if self.matter_name else ""
        if column not in self.columns or not len(self):
            return super()._repr_html_()  # type: ignore[no-any-return]
        export = registry.get(self.matter_name).export
        shown = pd.DataFrame(self.head(DRAWN)).drop(columns="latent", errors="ignore")
        drawings = [
            export.draw(one, 140, 100) if isinstance(one, str) else "" for one in shown[column]
        ]
        shown.insert(0, "drawing", drawings)
        others = [name for name in shown.columns if name != "drawing"]
        html = shown.to_html(
            escape=False,
            border=0,
            float_format="{:.4g}".format,
            formatters={name: _cell for name in others if not is_numeric_dtype(shown[name])},
        )
        more = len(self) - len(shown)
        return html + (f"<p>and {more:,} more rows</p>" if more > 0 else "")


def structure_table(
    matter: Matter,
    rows: Any,
    *,
    columns: Sequence[str] = (),
    labels: Any = None,
    as_: str | None = None,
    summary: dict[str, Any] | None = None,
) -> StructureTable:
    """A table of rows or of a DataFrame: structures first, latent vectors last.

    Args:
        columns: which it has though there be no row.
        labels: the index; numbers if not given.
        as_: see `StructureTable.to_objects`: adds a column of that name with the objects.
        summary: goes into the table's `attrs`.
    """
    column = matter.structure_column
    table = StructureTable(rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows)))
    if column not in table.columns:
        table = table.rename(columns={"structure": column})
    else:
        table = table.drop(columns="structure", errors="ignore")
    if column not in table.columns:
        table[column] = pd.Series(dtype=object)
    table = table.reindex(columns=[*table.columns, *(c for c in columns if c not in table.columns)])
    last = [name for name in ("latent",) if name in table.columns]
    middle = [name for name in table.columns if name not in (column, *last)]
    table = StructureTable(table[[column, *middle, *last]])
    table.matter_name = matter.name
    if labels is not None:
        table.index = pd.Index(labels)
    if as_ is not None:
        table[as_] = pd.Series(table.to_objects(as_), index=table.index, dtype=object)
    if summary is not None:
        table.attrs["summary"] = summary
    return table


def _cell(value: Any) -> str:
    from html import escape

    text = str(value)
    return escape(text if len(text) <= 60 else text[:57] + "...")
