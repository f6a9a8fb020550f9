"""Commands about models as such."""

from __future__ import annotations

import json
from collections.abc import Callable

from typer.testing import Result

from nucleate.cli.models import _facts

Nucleate = Callable[..., Result]


def test_facts_are_told_as_far_as_they_are_known() -> None:
    row = {"matter": "molecules", "data": "nci", "licence": "", "bytes": 2_500_000}
    row |= {"parameters": 1_230_000, "latent_size": None, "figures": "exact 80 %"}
    facts = ["molecules", "data: nci", "2.5 MB", "1.23 M parameters", "exact 80 %"]
    assert _facts(row) == facts
    row |= {"parameters": None, "latent_size": 64, "figures": ""}
    assert _facts(row) == ["molecules", "data: nci", "2.5 MB", "latent vectors of 64"]


def test_shipped_models_are_listed_and_their_cards_shown(nucleate: Nucleate) -> None:
    listed = json.loads(nucleate("models", "--json", "-").stdout)
    assert {"molecules", "crystals"} <= {row["name"] for row in listed}
    (one,) = json.loads(nucleate("models", "--model", "molecules", "--json", "-").stdout)
    shown = json.loads(nucleate("models", "show", "molecules", "--json", "-").stdout)
    assert one["name"] == shown["name"] == "molecules"
    assert shown["card"] in nucleate("models", "--model", "molecules", "--card").stdout
