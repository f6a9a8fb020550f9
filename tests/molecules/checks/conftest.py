"""One molecule before one check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nucleate.matter.checks import Candidate, Check, CheckContext, Verdict

Judge = Callable[..., Verdict]


@pytest.fixture
def judge() -> Judge:
    """The verdict of a check, with options, on a SMILES."""

    def run(check: type[Check], smiles: str, **options: Any) -> Verdict:
        (verdict,) = check(check.Options(**options), CheckContext()).run([Candidate(smiles)])
        return verdict

    return run
