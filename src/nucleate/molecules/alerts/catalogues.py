"""Catalogues of structural alerts by name, as RDKit ships them, and a person's own SMARTS."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rdkit import RDConfig, rdBase
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, read_toml, validate
from nucleate.molecules.chemistry.smarts import Group, Patterns, pattern
from nucleate.molecules.chemistry.smarts_prefilter import SmartsPrefilter

Catalogue = Literal[
    "PAINS", "PAINS_A", "PAINS_B", "PAINS_C", "BRENK", "NIH", "ZINC", "CHEMBL", "CHEMBL_BMS",
    "CHEMBL_Dundee", "CHEMBL_Glaxo", "CHEMBL_Inpharmatica", "CHEMBL_LINT", "CHEMBL_MLSMR",
    "CHEMBL_SureChEMBL",
]  # fmt: skip


class _Tolerated(Settings):
    explanation: str
    source: str
    names: tuple[str, ...]


class _Table(Settings):
    tolerated: tuple[_Tolerated, ...]


_PATH = Path(__file__).with_name("tolerated.toml")
TOLERATED = tuple(
    name for row in validate(_Table, read_toml(_PATH), str(_PATH)).tolerated for name in row.names
)
"""Alerts of the default sets that are reported and do not reject; see `AlertsCheck`."""


class Alert(NamedTuple):
    """A structural alert that a molecule sets off.

    Attributes:
        name: as its catalogue calls it.
        family: the catalogue, `PAINS_A` or `Brenk`, say; `own` for a person's SMARTS.
    """

    name: str
    family: str


class AlertSets:
    """Some catalogues, compiled.

    Args:
        names: of RDKit's catalogues.
        own: SMARTS by name.

    Raises:
        SettingsError: a SMARTS of a person's own cannot be read.
    """

    def __init__(self, names: tuple[Catalogue, ...], own: Mapping[str, str]):
        self._pains = [_pains(name) for name in names if name.startswith("PAINS")]
        self._others = [_catalogue(name) for name in names if not name.startswith("PAINS")]
        self._own = Patterns([Group(name, smarts) for name, smarts in own.items()])

    def matches(self, found: Any) -> list[Alert]:
        """Every alert of an RDKit molecule, each once."""
        entries = [entry for pains in self._pains for entry in pains.matches(found)]
        entries += [entry for others in self._others for entry in others.GetMatches(found)]
        alerts = [Alert(entry.GetDescription(), entry.GetProp("FilterSet")) for entry in entries]
        alerts += [Alert(group.name, "own") for group in self._own.matches(found)]
        return list(dict.fromkeys(alerts))


class _Pains:
    """A catalogue of PAINS, most of whose 480 large patterns are ruled out before they are matched.

    RDKit's catalogues do not show their SMARTS, but PAINS are also among RDKit's data files.
    """

    def __init__(self, name: str):
        catalogue = _catalogue(name)
        self._entries = [catalogue.GetEntry(i) for i in range(catalogue.GetNumEntries())]
        smarts, anything = _pains_smarts(), pattern("*")
        self._prefilter = SmartsPrefilter(
            [smarts.get(entry.GetDescription(), anything) for entry in self._entries]
        )

    def matches(self, found: Any) -> list[Any]:
        possible = (self._entries[place] for place in self._prefilter.possible(found))
        return [entry for entry in possible if entry.HasFilterMatch(found)]


_pains = cache(_Pains)


@cache
def _catalogue(name: str) -> Any:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(parameters)


@cache
def _pains_smarts() -> dict[str, Any]:
    """Queries of RDKit's file of PAINS by name; empty where an RDKit comes without it."""
    path = Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv"
    if not path.is_file():
        return {}
    with path.open(newline="") as file, rdBase.BlockLogs():
        rows = [row for row in csv.reader(file) if len(row) == 2]
        return {
            name.removeprefix("<regId=").removesuffix(">").strip('"'): pattern(smarts)
            for smarts, name in rows
        }


def read_smarts(path: Path) -> dict[str, str]:
    """SMARTS by name from a file: a SMARTS and its name on each line, `#` at a line's start for
    remarks; a line without a name is called by its SMARTS.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"file of SMARTS {path}: {error}") from None
    rows = [line.split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    return {row[-1].strip(): row[0] for row in rows}
