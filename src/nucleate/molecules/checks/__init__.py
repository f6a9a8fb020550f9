"""The funnel of molecules, cheapest first."""

from nucleate.matter import Check
from nucleate.molecules.checks.basic import (
    ChargeCheck,
    DruglikeCheck,
    ElementsCheck,
    ParsesCheck,
    SizeCheck,
    SyntheticAccessCheck,
)
from nucleate.molecules.checks.collection import DiverseCheck, NovelCheck
from nucleate.molecules.checks.embedding import EmbeddingCheck
from nucleate.molecules.checks.structure import AlertsCheck, RingsCheck

CHECKS: tuple[type[Check], ...] = (
    ParsesCheck,
    ElementsCheck,
    ChargeCheck,
    SizeCheck,
    RingsCheck,
    SyntheticAccessCheck,
    AlertsCheck,
    DruglikeCheck,
    NovelCheck,
    EmbeddingCheck,
    DiverseCheck,
)
