"""Catalogues of structural alerts by name, as RDKit ships them, and a person's own SMARTS."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rdkit import Chem, RDConfig, rdBase
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from nucleate.core.errors import SettingsError
from nucleate.molecules.chemistry.smarts import Group, Patterns, pattern
from nucleate.molecules.chemistry.smarts_prefilter import SmartsPrefilter

Catalogue = Literal[
    "PAINS", "PAINS_A", "PAINS_B", "PAINS_C", "BRENK", "NIH", "ZINC", "CHEMBL", "CHEMBL_BMS",
    "CHEMBL_Dundee", "CHEMBL_Glaxo", "CHEMBL_Inpharmatica", "CHEMBL_LINT", "CHEMBL_MLSMR",
    "CHEMBL_SureChEMBL",
]  # fmt: skip

TOLERATED: tuple[str, ...] = (
    # Stable, and judged for toxicity or metabolism in the body, which a structure alone cannot tell
    "aniline", "benzidine", "diaminobenzene_1", "diaminobenzene_2", "diaminobenzene_3",
    "nitro_group", "Azo_group", "acyl_hydrazine", "halogenated_ring_1", "halogenated_ring_2",
    "2-halo_pyridine", "iodine", "Thiocarbonyl_group", "Thiobenzothiazole_1", "thiobenzothiazole_2",
    "N-acyl-2-amino-5-mercapto-1,3,4-_thiadiazole", "cumarine", "phthalimide", "hydantoin",
    "stilbene", "hydroxamic_acid", "N-hydroxyl_pyridine", "oxime_1", "oxime_2", "N_oxide",
    "Oxygen-nitrogen_single_bond", "sulphur_nitrogen_single_bond", "cyanamide", "amidotetrazole",
    "methylidene-1,3-dithiole", "catechol", "hydroquinone",
    # Matters of solubility, absorption or taste of a screening library
    ">_2_ester_groups", "Aliphatic_long_chain", "Perfluorinated_chain", "phenol_ester",
    "phenyl_carbonate", "phosphor", "Sulfonic_acid_1", "Sulfonic_acid_2", "sulphate",
    "charged_oxygen_or_sulfur_atoms", "quaternary_nitrogen_1", "quaternary_nitrogen_2",
    "quaternary_nitrogen_3", "biotin_analogue", "saponine_derivative", "crown_ether",
    "Polycyclic_aromatic_hydrocarbon_1", "Polycyclic_aromatic_hydrocarbon_2",
    "Polycyclic_aromatic_hydrocarbon_3", "azepane", "azocane", "cycloheptane_1", "cycloheptane_2",
    "cyclooctane_1", "cyclooctane_2", "isolated_alkene", "polyene", "triple_bond",
    "acyclic_C=C-O",
    # Electrophiles that only an enzyme's own nucleophile finds: covalent medicines, enones
    "Michael_acceptor_1", "Michael_acceptor_2", "Michael_acceptor_3", "Michael_acceptor_4",
    "Michael_acceptor_5", "conjugated_nitrile_group",
    # Drawn too widely: the check `stability` tells the labile ones from the rest
    "enamine", "imine_1", "imine_2", "het-C-het_not_in_ring", "Three-membered_heterocycle",
    "Carbo_cation/anion", "alkyl_halide", "beta-keto/anhydride", "diketo_group", "thioester",
    "cyanate_/aminonitrile_/thiocyanate",
    # Made for other elements, which `elements` judges; they also hit boronic acids and trityls
    "heavy_metal", "triphenyl_methyl-silyl",
)  # fmt: skip
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
        groups = [Group(name, smarts, "") for name, smarts in own.items()]
        self._own = Patterns(groups) if groups else None

    def matches(self, found: Any) -> list[Alert]:
        """Every alert of an RDKit molecule, each once."""
        entries = [entry for pains in self._pains for entry in pains.matches(found)]
        entries += [entry for others in self._others for entry in others.GetMatches(found)]
        alerts = [Alert(entry.GetDescription(), entry.GetProp("FilterSet")) for entry in entries]
        if self._own is not None:
            alerts += [Alert(group.name, "own") for group in self._own.matches(found)]
        return list(dict.fromkeys(alerts))


class _Pains:
    """A catalogue of PAINS, most of whose 480 large patterns are ruled out before they are matched.

    RDKit's catalogues do not show their SMARTS, but PAINS are also among RDKit's data files.
    """

    def __init__(self, name: str):
        catalogue = _catalogue(name)
        self._entries = [catalogue.GetEntry(i) for i in range(catalogue.GetNumEntries())]
        smarts = _pains_smarts()
        queries = [smarts.get(entry.GetDescription()) for entry in self._entries]
        self._demands = SmartsPrefilter([q if q is not None else _anything() for q in queries])

    def matches(self, found: Any) -> list[Any]:
        possible = (self._entries[place] for place in self._demands.possible(found))
        return [entry for entry in possible if entry.HasFilterMatch(found)]


_pains = cache(_Pains)


@cache
def _catalogue(name: str) -> Any:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(parameters)


@cache
def _anything() -> Any:
    return Chem.MolFromSmarts("*")


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
