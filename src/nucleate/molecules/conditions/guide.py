"""Conditions on molecules: similarity, size, names of properties, scaffolds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit import DataStructs

from nucleate.core.errors import SettingsError, StructureError
from nucleate.matter.codec import Codec
from nucleate.matter.conditions import Guide, LinearTarget, ScaffoldConstraint, Variation
from nucleate.molecules.chemistry.chem import fingerprints, molecule
from nucleate.molecules.codecs.auxiliary_fields import DESCRIPTORS
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.conditions.regrowth import Regrowth
from nucleate.molecules.conditions.scaffold_growth import ScaffoldGrowth
from nucleate.molecules.io.standardise import standardise
from nucleate.molecules.options import StandardiseOptions

BITS = 2048
_LEAD = StandardiseOptions(fragment="refuse", maximum_heavy_atoms=500)
_ALIASES = {
    "sa": "sa_score",
    "mw": "molecular_weight",
    "weight": "molecular_weight",
    "hbd": "hydrogen_bond_donors",
    "hba": "hydrogen_bond_acceptors",
    "fraction_csp3": "fraction_sp3",
}


class MoleculeGuide(Guide):
    """Conditions on molecules."""

    size_property: ClassVar[str | None] = "heavy_atoms"
    size_unit: ClassVar[str] = "heavy atoms"

    def read(self, text: str, where: str) -> str:
        try:
            return standardise(text, _LEAD).structure
        except StructureError as error:
            raise SettingsError(f"{where}: {error.detail or error.reason}") from None

    def similarities(self, structures: Sequence[str], reference: str) -> NDArray[np.float64]:
        """Tanimoto similarity of Morgan bits of radius 2, 2,048 of them (Rogers and Hahn 2010)."""
        bits = [
            fingerprints(bits=BITS).GetFingerprint(molecule(s)) for s in (reference, *structures)
        ]
        return np.array(DataStructs.BulkTanimotoSimilarity(bits[0], bits[1:]), dtype=np.float64)

    def growth(self, text: str, codec: Codec | None, where: str) -> ScaffoldConstraint:
        return ScaffoldGrowth(text, codec, where)

    def variation(self, structure: str, codec: Codec) -> Variation | None:
        return Regrowth(structure, codec) if isinstance(codec, FragmentCodec) else None

    def property_name(self, name: str) -> str | None:
        return super().property_name(_ALIASES.get(name.lower(), name))

    def linear_targets(self, codec: Codec) -> dict[str, LinearTarget]:
        scales: dict[str, tuple[float, float]] = getattr(codec, "scales", {})
        out = {}
        for component, name in enumerate(DESCRIPTORS):
            if name in scales:
                own = _ALIASES.get(name, name)
                out[own] = LinearTarget("descriptors", component, *scales[name])
        return out
