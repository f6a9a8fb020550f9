"""Rows of folders and archives: the crystals of files, with the values of an `id_prop.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nucleate.core.errors import InputError
from nucleate.crystals.io.files import FILES, Found, crystals_in, format_of, refusal
from nucleate.crystals.io.members import Member, member_of
from nucleate.crystals.io.paths import PropertyList, is_property_list, read_property_list
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings

SHOWN = 20
"""Names of files that are no crystals' which are told."""


def member_rows(
    members: Sequence[Member], source: Path, dataset: DatasetSettings
) -> Iterator[RawRow]:
    """The crystals of a folder's or an archive's files.

    A file that cannot be read is a row with an error; those that are of no crystals are the last
    row together.

    Raises:
        InputError: no file is of crystals, or none can hold the properties asked for.
    """
    forms = [dataset.format if dataset.format != "auto" else format_of(m.name) for m in members]
    lists, faults = _property_lists(members)
    if not {"extxyz", "json"} & set(forms):
        refuse_properties(dataset, bool(lists), source)
        _refuse_absent(lists, dataset, source)
    number, others = 0, []
    for member, form in zip(members, forms, strict=True):
        if form in FILES.values():
            found = _with_values(member, list(crystals_in(member, form)), lists)
        elif is_property_list(member.name) and member.name not in faults:
            continue
        elif why := faults.get(member.name) or member.problem:
            found = [Found(member.name, None, error=f"{member.name}: {why}")]
        elif why := refusal(member.name):
            number += 1
            said = f"{member.name}: {why}"
            yield RawRow(number, member.name, None, error=said, reason="not_read")
            continue
        else:
            others.append(member.name)
            continue
        for one in found:
            number += 1
            yield one.row(number, dataset)
    for listing in lists:
        for name in listing.unmet:
            number += 1
            said = f"{listing.name} names {name}: no such file"
            yield RawRow(number, name, None, error=said, reason="missing_file")
    if others:
        shown = ", ".join(others[:SHOWN]) + (", ..." if len(others) > SHOWN else "")
        said = f"{len(others)} of its files are no crystals' by their names: {shown}"
        if number == 0:
            raise InputError(f"holds no crystals; {said}", file=source)
        yield RawRow(number + 1, "other files", None, error=said, reason="other_files")


def listed_rows(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    """What an `id_prop.csv` names; the payload is the name of a file beside it.

    Raises:
        InputError: it is none, or has not the properties asked for.
    """
    try:
        listing = read_property_list(source.name, member_of(source).text())
    except ValueError as error:
        raise InputError(str(error), file=source) from None
    _refuse_absent([listing], dataset, source)
    for number, (name, cells) in enumerate(listing.values.items(), start=1):
        info = dict(zip(listing.columns, cells, strict=True))
        yield replace(Found(name, None, info).row(number, dataset), payload=name)


def refuse_properties(dataset: DatasetSettings, may_hold: bool, source: Path) -> None:
    """Refuse settings that ask for properties of files that hold none.

    Raises:
        InputError: they do.
    """
    if dataset.properties and not may_hold:
        raise InputError(
            "CIF and POSCAR files hold no property columns; use a table with a column of CIFs or "
            "of paths, or put CGCNN's id_prop.csv beside them",
            file=source,
        )


def _refuse_absent(lists: Sequence[PropertyList], dataset: DatasetSettings, source: Path) -> None:
    known = dict.fromkeys(name for listing in lists for name in listing.columns)
    absent = [name for name in dataset.properties if name not in known]
    if lists and absent:
        said = f"no column {', '.join(absent)}; {lists[0].name} has: {', '.join(known)}"
        raise InputError(said, file=source)


def _property_lists(members: Sequence[Member]) -> tuple[list[PropertyList], dict[str, str]]:
    """The lists of properties among files, and why those are none that cannot be read."""
    lists, faults = [], {}
    for member in members:
        if is_property_list(member.name):
            try:
                lists.append(read_property_list(member.name, member.text()))
            except ValueError as error:
                faults[member.name] = str(error)
    return lists, faults


def _with_values(member: Member, found: list[Found], lists: Sequence[PropertyList]) -> list[Found]:
    """Crystals of a file with the values that lists have of it, which are those of one crystal."""
    for listing in lists:
        values = listing.values_of(member.name)
        if values and len(found) > 1:
            said = f"{member.name} holds {len(found)} crystals, {listing.name} has values of one"
            return [replace(one, payload=None, error=said) for one in found]
        found = [replace(one, info={**one.info, **values}) for one in found]
    return found
