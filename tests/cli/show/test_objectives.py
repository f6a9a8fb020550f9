"""Properties that a search can ask for."""

from __future__ import annotations

import pytest

from nucleate.cli.show.objectives import describe_objectives
from nucleate.core.errors import SettingsError


def test_usual_properties_come_first_and_every_one_has_a_description() -> None:
    usual = describe_objectives("molecules")
    every = describe_objectives("molecules", every=True)
    assert every[: len(usual)] == usual
    assert len(every) > len(usual)
    assert all(row["description"] for row in every)
    (one,) = describe_objectives("crystals", ["density"])
    assert one["unit"] == "g/cm3"


def test_a_misspelt_property_is_told() -> None:
    with pytest.raises(SettingsError, match="did you mean density"):
        describe_objectives("crystals", ["densty"])
