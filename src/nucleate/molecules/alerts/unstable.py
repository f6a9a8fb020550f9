"""Groups that fall apart, rearrange or react with what is in every flask, as SMARTS of our own.

A group stands here because a molecule that has it cannot be made, kept or dissolved in water as it
is drawn, whatever it is for. What is merely unwanted in a medicine (anilines, nitro groups, long
chains) is left to the catalogues of alerts; what is dangerous to handle to
`nucleate.molecules.alerts.hazards`.
"""

from __future__ import annotations

from functools import cache

from nucleate.molecules.alerts.unstable_labile import LABILE
from nucleate.molecules.alerts.unstable_reactive import REACTIVE
from nucleate.molecules.alerts.unstable_weak import WEAK
from nucleate.molecules.chemistry.smarts import Group, Patterns

UNSTABLE: tuple[Group, ...] = LABILE + REACTIVE + WEAK


@cache
def unstable() -> Patterns:
    """`UNSTABLE`, compiled."""
    return Patterns(UNSTABLE)
