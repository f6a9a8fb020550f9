"""A CIF text -> the items that tell of its crystal, whatever program wrote it.

gemmi parses. What strict CIF forbids but programs write (unquoted symbols and operations of several
words, a quote that is never closed in an author's name) is put right first, and only if need be.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

from gemmi import cif

from nucleate.core.errors import StructureError

Items = dict[str, list[str]]
"""Values by tag in small letters; those of a loop's column, or the only one."""

_MINUS = str.maketrans({**dict.fromkeys("−–—‐‑‒﹣－⁻", "-"), "\u00a0": " ", "\ufeff": " "})
_PREFIXES = (
    *("_cell_", "_symmetry_", "_space_group_", "_atom_site_", "_chemical_formula_"),
    *("_exptl_crystal_density_", "_amcsd_formula_"),
)
_PART = r"[-+\d/.* \t]*[xyzXYZ][-+\d/.*xyzXYZ \t]*"
_OPERATION = re.compile(rf"(?m)^([ \t]*(?:\d+[ \t]+)?)({_PART},{_PART},{_PART})$")
_PAIR = re.compile(r"[ \t]*(_\S+)[ \t]+(\S.*?)[ \t]*$")
_HEADER = re.compile(r"(?mi)^[ \t]*(?:data_|global_)")
_ITEM = re.compile(r"(?m)^[ \t]*(?:_|loop_)", re.I)
_UNKNOWN = ("", "?", ".")


def read_items(text: str) -> Items:
    """The items of the one data block that holds atoms.

    Tags are those of the older dictionaries: `_atom_site.fract_x` is `_atom_site_fract_x`.

    Raises:
        StructureError: `unreadable`, with the line; `several_structures`.
    """
    text = text.translate(_MINUS).replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    header = _HEADER.search(text)
    if header is None or _ITEM.search(text, 0, header.start()):
        first = "no line `data_...`" if header is None else "items before the first line `data_...`"
        raise StructureError("unreadable", f"{first}: the start of the CIF is missing")
    text = _OPERATION.sub(lambda row: row[1] + re.sub(r"[ \t]", "", row[2]), text[header.start() :])
    blocks = [_block_items(block) for block in _parse(text)]
    holding = [items for items in blocks if any(map(_holds_sites, items))]
    if len(holding) > 1:
        raise StructureError("several_structures", f"{len(holding)} data blocks hold atoms")
    return next(iter(holding or blocks), {})


def value(items: Items, *tags: str) -> str:
    """What stands under the first of these tags that has a known value, else empty."""
    for tag in tags:
        for word in items.get(tag, ())[:1]:
            if word not in _UNKNOWN:
                return word
    return ""


def _holds_sites(tag: str) -> bool:
    return tag.startswith(("_atom_site_fract_", "_atom_site_cartn_"))


def _parse(text: str) -> cif.Document:
    try:
        return cif.read_string(text, check_level=0)
    except (ValueError, RuntimeError):
        pass
    try:
        return cif.read_string(_repaired(text), check_level=0)
    except (ValueError, RuntimeError) as error:
        raise StructureError("unreadable", _syntax(str(error), _repaired(text))) from None


def _syntax(message: str, text: str) -> str:
    """gemmi's message (`string:12:5(80): parse error`) for a person."""
    found = re.match(r"string:(\d+)", message)
    if "number of values in loop" in message:
        return "a loop's values do not fill its columns" + _quoted_line(found, text)
    return "this is not written as in a CIF" + _quoted_line(found, text)


def _quoted_line(found: re.Match[str] | None, text: str) -> str:
    lines = text.split("\n")
    line = lines[int(found[1]) - 1].strip() if found and int(found[1]) <= len(lines) else ""
    return f": {line[:60]}" if line else ""


def _block_items(block: cif.Block) -> Items:
    """The items that tell of the crystal.

    Raises:
        StructureError: `unreadable`, if one is given twice.
    """
    items: Items = {}
    for item in block:
        pair: Any = item.pair
        if pair is not None:
            columns = {pair[0]: [pair[1]]} if _structural(pair[0]) else {}
        elif item.loop is not None:
            tags, cells = item.loop.tags, item.loop.values
            columns = {}
            for i, tag in enumerate(tags):
                if _structural(tag):
                    _add(columns, tag, cells[i :: len(tags)])
        elif item.frame is not None:
            columns = dict(_block_items(item.frame))
        else:
            continue
        for tag, words in columns.items():
            _add(items, tag, words)
    return items


def _add(items: Items, tag: str, words: list[str]) -> None:
    name = tag.lower().replace(".", "_")
    values = [" ".join(cif.as_string(word).split()) for word in words]
    if items.setdefault(name, values) != values:
        raise StructureError("unreadable", f"{tag} is given twice, with other values")


def _structural(tag: str) -> bool:
    return tag.lower().replace(".", "_").startswith(_PREFIXES)


def _repaired(text: str) -> str:
    """Only the items that tell of the crystal, their values quoted where they have several words.

    An item begins with its tag, or with `loop_`, at the start of a line.
    """
    items: list[list[str]] = [[]]
    header = field = False
    for line in text.split("\n"):
        word = line.strip().lower()
        if field or line.startswith(";"):
            field = field != line.startswith(";")
        elif word.startswith(("loop_", "data_", "global_")) or (word[:1] == "_" and not header):
            items.append([])
            header = word.startswith("loop_")
        elif word[:1] not in ("", "_", "#"):
            header = False
        items[-1].append(line)
    return "\n".join(line for item in items for line in _kept_lines(item))


def _kept_lines(item: list[str]) -> list[str]:
    words = " ".join(item).split()
    if words and _HEADER.match(words[0]):
        return words[:1]
    tags = list(takewhile(lambda word: word[0] == "_", words[words[:1] == ["loop_"] :]))
    if not any(map(_structural, tags)):
        return []
    return item if words[0] == "loop_" else [_quoted(item[0]), *item[1:]]


def _quoted(line: str) -> str:
    """A tag and its value, the value as one word."""
    pair = _PAIR.match(line)
    if pair is None:
        return line
    try:
        cif.read_string(f"data_\n{line}\n")
    except (ValueError, RuntimeError):
        words = re.sub(r"\s#.*|['\"]", "", pair[2])
        return f"{pair[1]} '{words}'"
    return line
