"""What a damaged file says of its structures, found without this package's readers.

Each function returns what is wrong, empty where nothing is, or where the text leaves open what is
right: it is a judge that may be silent, never one that guesses.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

_NUMBERS = re.compile(r"[-+−0-9.,eEdD ]*[0-9][-+−0-9.,eEdD ]*")
_SYMBOL = re.compile(r"[A-Z][a-z]?")


def contradiction(payload: Any, structure: str, matter: str) -> str:
    """How the composition of a canonical structure differs from that of the row's text."""
    if matter == "molecules":
        return _molecule_contradiction(str(payload), structure)
    kind, text = next(iter(payload.items())) if isinstance(payload, Mapping) else ("", str(payload))
    stated = _EXPECTED.get(kind, _any_crystal)(text)
    if not stated:
        return ""
    found, expected = _fractions(_crystal_composition(structure)), _fractions(stated)
    same = found.keys() == expected.keys() and all(
        abs(found[name] - expected[name]) < 0.01 * expected[name] for name in found
    )
    return "" if same else f"composition: the text says {expected}, read {found}"


def _fractions(composition: Mapping[str, float]) -> dict[str, float]:
    total = sum(composition.values())
    return {name: round(n / total, 4) for name, n in sorted(composition.items()) if n}


def _crystal_composition(structure: str) -> Counter[str]:
    from nucleate.matter import registry

    return Counter(registry.get("crystals").export.to_object(structure, "ase").symbols)


# Molecules


def _molecule_contradiction(text: str, structure: str) -> str:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        result = Chem.MolFromSmiles(structure)
        if result is None:
            return f"no SMILES: {structure}"
        found = _heavy(result.GetAtoms())
        if "\n" in text.strip():
            expected = _atom_block(text)
            if expected and found - expected:
                return f"composition: the record has {dict(expected)}, read {dict(found)}"
            if re.search(r"(?m)^(A  +\d|M  (APO|RGP|ALS|SPL)|M  STY.*(SRU|GEN|MIX|COM))", text):
                return "an alias, attachment point, atom list or polymer group was passed over"
            return ""
        words = text.split()
        raw = Chem.MolFromSmiles(words[0], sanitize=False) if words else None
        if raw is None:
            return ""
        parts = Chem.GetMolFrags(raw)
        compositions = [_heavy(raw.GetAtomWithIdx(i) for i in part) for part in parts]
        if found not in compositions:
            return f"composition: {[dict(c) for c in compositions]} became {dict(found)}"
        return ""


def _heavy(atoms: Any) -> Counter[str]:
    return Counter(atom.GetSymbol() for atom in atoms if atom.GetAtomicNum() != 1)


def _atom_block(text: str) -> Counter[str]:
    """Symbols of a V2000 record's heavy atoms; empty where it is another, or badly damaged."""
    lines = text.splitlines()
    heads = [n for n, line in enumerate(lines) if line.rstrip().endswith("V2000")]
    if heads != [3] or not lines[3][:3].strip().isdecimal():
        return Counter()
    atoms = lines[4 : 4 + int(lines[3][:3])]
    symbols = [line[31:34].strip() for line in atoms]
    if not all(_SYMBOL.fullmatch(symbol) for symbol in symbols):
        return Counter()
    return Counter(symbol for symbol in symbols if symbol not in ("H", "D", "T"))


# Crystals


def _cif(text: str) -> Counter[str]:
    """Composition of the formula that a CIF states once."""
    tags = re.findall(
        r"(?mi)^[ \t]*_chemical_formula_sum[ \t]+(?:'([^'\n]*)'|\"([^\"\n]*)\"|(\S+))[ \t]*$", text
    )
    if len(tags) != 1 or len(re.findall(r"(?i)_chemical_formula_sum", text)) != 1:
        return Counter()
    return _formula(next(filter(None, tags[0]), ""))


def _formula(text: str) -> Counter[str]:
    """Composition of a plain formula; empty where it is none."""
    from pymatgen.core import Composition, Element

    parts = text.split()
    if not parts or not all(re.fullmatch(r"[A-Z][a-z]?(\d+(\.\d+)?)?", part) for part in parts):
        return Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = Composition(text.replace(" ", ""))
            return Counter(
                {
                    "H" if name in ("D", "T") else Element(name).symbol: amount
                    for name, amount in found.get_el_amt_dict().items()
                }
            )
        except (ValueError, KeyError):
            return Counter()


def _poscar(text: str) -> Counter[str]:
    lines = text.splitlines()
    if len(lines) < 8:
        return Counter()
    symbols = [re.split(r"[_/]", word)[0] for word in lines[5].split()]
    counts = lines[6].split()
    plain = all(map(_SYMBOL.fullmatch, symbols)) and all(c.isdecimal() for c in counts)
    if len(symbols) != len(counts) or not plain:
        return Counter()
    found = Counter[str]()
    for symbol, count in zip(symbols, counts, strict=True):
        found["H" if symbol in ("D", "T") else symbol] += int(count)
    return found


def _frame(text: str) -> Counter[str]:
    lines = text.splitlines()
    if "Properties=species:S:1" not in text or not lines[0].strip().isdecimal():
        return Counter()
    words = [line.split() for line in lines[2 : 2 + int(lines[0])]]
    if not all(words) or not all(_SYMBOL.fullmatch(word[0]) for word in words):
        return Counter()
    return Counter("H" if word[0] in ("D", "T") else word[0] for word in words)


def _gene(text: str) -> Counter[str]:
    return Counter()  # it is this package's own format: nothing outside can judge it


def _any_crystal(text: str) -> Counter[str]:
    return _cif(text) if "_cell_length_a" in text else _gene(text)


_EXPECTED = {"cif": _cif, "poscar": _poscar, "extxyz": _frame, "wyckoff": _gene}


# Numbers and rows


def unfounded_number(value: float, data: bytes) -> str:
    """What is wrong with a value that no number of the file spells."""
    if np.isnan(value):
        return ""
    text = _text(data)
    words = {
        part
        for run in _NUMBERS.findall(text)
        for part in (run, *run.split(), *run.split(","), *re.split("[, ]", run))
    }
    for word in words:
        plain = word.replace("−", "-").replace(" ", "").rstrip(".,")
        spellings = (
            plain,
            plain.replace(",", "."),
            plain.replace(",", ""),
            plain.replace(".", "").replace(",", "."),
        )
        for spelling in spellings:
            try:
                found = float(re.sub("[dD]", "e", spelling))
            except ValueError:
                continue
            if abs(found - value) <= 1e-9 * max(1.0, abs(value)):
                return ""
    return f"number: {value!r} stands nowhere in the file"


def _text(data: bytes) -> str:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8", "replace")


def lost_rows(data: bytes, kind: str, rows: int) -> str:
    """What is wrong with the number of rows that a file was said to have."""
    if not kind.startswith("molecules") or b'"' in data or b"\0" in data:
        return ""
    text = re.sub(r"\r\n?", "\n", _text(data))
    if kind.endswith(".sdf"):
        expected = len([part for part in re.split(r"(?m)^\$\$\$\$.*$", text) if part.strip()])
    else:
        filled = [line for line in text.split("\n") if line.strip(" ,;\t")]
        comments = sum(line.lstrip("\ufeff").startswith(("#", "//")) for line in filled)
        expected = len(filled) - comments - 1
    return f"rows: {rows} of at least {expected}" if rows < expected else ""
