"""Groups that make a molecule no candidate whatever it is for, as SMARTS of our own.

A group stands in `unstable.toml` because a molecule that has it cannot be made, kept or dissolved
in water as it is drawn, whatever it is for; in `electrophiles.toml` because it takes up thiols and
amines, those of proteins among them, without an enzyme's help. What is merely unwanted in a
medicine (anilines, nitro groups, long chains) is left to the catalogues of alerts; what is
dangerous to handle to `hazards`. What is stable but a chemist's tool (`reagents.toml`) is a matter
of likeness: the check `druglike`.
"""

from __future__ import annotations

from pathlib import Path

from nucleate.molecules.chemistry.smarts import Patterns, read_patterns

_FOLDER = Path(__file__).parent


def unstable() -> Patterns:
    """The groups of `unstable.toml` and `electrophiles.toml`, compiled."""
    return read_patterns(_FOLDER / "unstable.toml", _FOLDER / "electrophiles.toml")


def reagents() -> Patterns:
    """The groups of `reagents.toml`, compiled: tools of synthesis and detergents."""
    return read_patterns(_FOLDER / "reagents.toml")
