"""Molecules and a codec that the tests of fragments share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rdkit import Chem, RDConfig

from nucleate.core.errors import StructureError
from nucleate.molecules import Molecules
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.settings.data import DatasetSettings

MOLECULES = Molecules()
STEREO = [
    "C/C=C\\C(=O)N[C@@H](C)c1ccccc1",
    "C/C=C(C)/C=C/C(=O)Nc1ccccc1",  # two stereo double bonds share a mark
    "N#C/C(N)=C(C#N)\\N=C\\c1ccco1",
    "C[S@](=O)CC",
    "O=C1N[C@]2(CC[C@@H]3CN(C(=O)c4cc(-c5ccc(O)cc5)on4)C[C@@H]32)Nc2ccccc21",
    "C1CC2CCC1CC2",
    "CI(=O)=O",
    "c1ccc2c(c1)[nH]c1ccccc12",
    "[O-][n+]1ccccc1",
    "C",
    "[NH4+]",
    "[H]/N=C(/C)CC",
    "C[C@H]1CC[C@@H](C)CC1",
]


@cache
def reference() -> list[str]:
    """The first part of RDKit's NCI set, standardised, and stereo of every sort."""
    path = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
    options = MOLECULES.reader.resolve({}, "test")
    found: dict[str, None] = {}
    for row in MOLECULES.reader.read_rows(path, DatasetSettings(source=str(path), limit=800)):
        try:
            found[MOLECULES.reader.standardise(row.payload, options).structure] = None
        except StructureError:
            continue
    return [*found, *(Chem.CanonSmiles(s) for s in STEREO)]


@cache
def codec() -> FragmentCodec:
    return FragmentCodec.fit(reference(), MOLECULES.codecs.resolve({}, "test"), seed=0)
