"""The guide of crystals: leads that are read, conditions that need each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.core.errors import SettingsError
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.guide import CrystalGuide
from nucleate.crystals.conditions.substitution import Substitution
from nucleate.matter.registry import get
from nucleate.settings.sample import ConditionSettings

SALT = "225 a:Na b:Cl | 5.6402"
CODEC = WyckoffCodec.fit([SALT], CodecOptions())


@pytest.fixture
def guide() -> CrystalGuide:
    return CrystalGuide(get("crystals"))


def test_leads_are_strings_or_files(guide: CrystalGuide, tmp_path: Path) -> None:
    assert guide.read("225 a:Cl b:Na | 5.6402", "like") == SALT
    file = tmp_path / "salt.cif"
    file.write_text(get("crystals").export.exchange(SALT))
    assert guide.read(str(file), "like") == SALT
    with pytest.raises(SettingsError, match="neither a file nor a Wyckoff string"):
        guide.read("nowhere.cif", "like")
    with pytest.raises(SettingsError, match="like"):
        guide.read("225 a:Na | ", "like")


def test_distance_needs_a_lead(guide: CrystalGuide) -> None:
    alone = ConditionSettings.model_validate({"distance": {"high": 0.3}})
    with pytest.raises(SettingsError, match="give like as well"):
        guide.constraint(alone, CODEC)
    assert guide.near([SALT], SALT)["distance"].tolist() == [0.0]


def test_variations_are_substitutions(guide: CrystalGuide) -> None:
    assert isinstance(guide.variation(SALT, CODEC), Substitution)
    assert guide.variation("225 a:Xe | 6.1", CODEC) is None
    assert set(guide.linear_targets(CODEC)) == set(guide.predicted)
