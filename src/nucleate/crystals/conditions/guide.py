"""Conditions on crystals: distance, names of properties, what the decoder is made to keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, cast

from nucleate.core.errors import InputError, SettingsError, StructureError
from nucleate.core.settings import Settings
from nucleate.crystals.codec.schema import MEASURED
from nucleate.crystals.codec.wyckoff_codec import WyckoffCodec
from nucleate.crystals.conditions.constraint import CrystalConstraint
from nucleate.crystals.conditions.options import CrystalConditions
from nucleate.crystals.conditions.substitution import Substitution
from nucleate.crystals.io.read import read_rows
from nucleate.crystals.io.standardise import StandardiseOptions, standardise
from nucleate.matter.codec import Codec
from nucleate.matter.conditions import Columns, Constraint, Guide, LinearTarget, Variation
from nucleate.settings.data import DatasetSettings
from nucleate.settings.sample import ConditionSettings, Window

_LEAD = StandardiseOptions(maximum_atoms=500, maximum_input_atoms=500)
_LONGEST_NAME = 1000


class CrystalGuide(Guide):
    """Conditions on crystals."""

    Options: ClassVar[type[Settings]] = CrystalConditions
    nearness: ClassVar[tuple[str, Window]] = ("distance", Window(low=0.05, high=0.4))
    nearer: ClassVar[int] = -1
    predicted: ClassVar[tuple[str, ...]] = tuple(MEASURED)

    def read(self, text: str, where: str) -> str:
        """Wyckoff string of a Wyckoff string, of the text of a CIF, POSCAR or pymatgen JSON, or of
        the first crystal of a CIF, POSCAR, extxyz or zip file."""
        try:
            if "\n" in text or text.startswith("{"):
                payload: object = text
            elif "|" in text:
                payload = {"wyckoff": text}
            else:
                payload = self._first_of(text, where)
            return standardise(payload, _LEAD).structure
        except StructureError as error:
            raise SettingsError(f"{where}: {text[:80]}: {error.detail or error.reason}") from None

    def _first_of(self, text: str, where: str) -> object:
        path = Path(text)
        if len(text) > _LONGEST_NAME or not path.exists():
            raise SettingsError(
                f"{where}: {text[:80]!r} is neither a file nor a Wyckoff string such as "
                "'225 a:Na b:Cl | 5.64'"
            )
        try:
            row = next(read_rows(path, DatasetSettings(source=text)))
        except InputError as error:
            raise SettingsError(f"{where}: {error}") from None
        if row.error:
            raise SettingsError(f"{where}: {text}: {row.error}")
        return row.payload

    def near(self, structures: Sequence[str], reference: str) -> Columns:
        from nucleate.crystals.geometry.crystal_distance import distances

        return distances(structures, reference)

    def window(self, conditions: ConditionSettings) -> Window:
        asked = self._request(conditions)
        if conditions.similarity is not None:
            raise SettingsError("similarity: not offered for crystals; use distance")
        return asked.distance or self.nearness[1]

    def constraint(self, conditions: ConditionSettings, codec: Codec | None) -> Constraint | None:
        asked = self._request(conditions)
        if asked.distance is not None and conditions.like is None:
            raise SettingsError("distance is that to a crystal: give like as well")
        if not asked.asks_beyond_distance() or not isinstance(codec, WyckoffCodec):
            return None
        return CrystalConstraint(asked, codec)

    def variation(self, structure: str, codec: Codec) -> Variation | None:
        if not isinstance(codec, WyckoffCodec):
            return None
        try:
            return Substitution(structure, codec)
        except StructureError:
            return None  # whoever encodes the lead says why

    def linear_targets(self, codec: Codec) -> dict[str, LinearTarget]:
        return {name: LinearTarget(name, 0, 0.0, 1.0) for name in MEASURED}

    def _request(self, conditions: ConditionSettings) -> CrystalConditions:
        return cast(CrystalConditions, self.options(conditions))
