"""Names like a misspelt one."""

from __future__ import annotations

from nucleate.core.spelling import near


def test_the_likest_names_come_first_whatever_their_case() -> None:
    assert near("LOGP", ["QED", "logP", "logS"]) == ["logP", "logS"]
    assert near("xyz", ["QED"]) == []
    assert near("molwt", ["other", "MolWt"], most=1) == ["MolWt"]
