"""What is refused of a study's settings before its model is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.settings.study import OptimizeSettings
from nucleate.stages.jobs import check_study


def study(*objectives: dict[str, Any], **more: Any) -> OptimizeSettings:
    return validate(OptimizeSettings, {"objectives": objectives, **more}, "here")


def test_properties_get_their_own_names():
    (term,) = check_study(study({"property": "LogP"}), "molecules").objectives
    assert term.property == "logp"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (study({"property": "qde"}), "did you mean qed"),
        (study({"property": "qed"}, {"property": "qed"}), "given twice"),
        (
            study({"property": "qed"}, {"property": "qed", "goal": "minimise"}),
            "both maximised and minimised",
        ),
        (study(local={"like": "no molecule"}), "like"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: OptimizeSettings, said: str):
    with pytest.raises(SettingsError, match=said):
        check_study(settings, "molecules")
