"""Groups that fall apart, rearrange or react with what is in every flask, as SMARTS of our own.

A group stands in `unstable.toml` because a molecule that has it cannot be made, kept or dissolved
in water as it is drawn, whatever it is for. What is merely unwanted in a medicine (anilines, nitro
groups, long chains) is left to the catalogues of alerts; what is dangerous to handle to `hazards`.
"""

from __future__ import annotations

from pathlib import Path

from nucleate.molecules.chemistry.smarts import Patterns, read_patterns

_TABLE = Path(__file__).with_name("unstable.toml")


def unstable() -> Patterns:
    """The groups of `unstable.toml`, compiled."""
    return read_patterns(_TABLE)
