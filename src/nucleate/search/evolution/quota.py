"""No more of one scaffold, or of one chemical system, than is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nucleate.core.errors import SettingsError, StructureError
from nucleate.matter.base import Matter
from nucleate.settings.study import OptimizeSettings

QUOTA_COLUMNS = ("group", "rank_in_group", "beyond_quota")


@dataclass(frozen=True)
class Quota:
    """How many structures of one group may breed, and are ranked before the rest.

    Attributes:
        kind: what makes a group, one of `Identity.groups`.
        most: structures of each.
        key: of a structure, equal within a group.
    """

    kind: str
    most: int
    key: Callable[[str], str]

    def group(self, structure: str) -> str:
        """The structure's group; one of its own where the matter knows none."""
        try:
            return self.key(structure)
        except StructureError:
            return structure

    def apply(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows, best first, with `QUOTA_COLUMNS`; those beyond the quota behind the others, but
        none that breaks a constraint before one that does not."""
        members: Counter[str] = Counter()
        for row in rows:
            group = self.group(row["structure"])
            members[group] += 1
            beyond = members[group] > self.most
            values = (group, members[group], beyond)
            row |= dict(zip(QUOTA_COLUMNS, values, strict=True))
        return sorted(rows, key=lambda row: (not row.get("feasible", True), row["beyond_quota"]))


def build_quota(matter: Matter, settings: OptimizeSettings) -> Quota | None:
    """The quota that the settings ask for; None if they ask for none.

    Raises:
        SettingsError: the matter knows no such groups.
    """
    if settings.quota is None:
        return None
    known = matter.identity.groups()
    kind = settings.quota_by or next(iter(known), "")
    if kind not in known:
        raise SettingsError(
            f"quota_by: {matter.name} has no groups by {kind!r}; known: {', '.join(known)}"
            if kind
            else f"quota: {matter.name} knows no groups of structures"
        )
    return Quota(kind, settings.quota, known[kind])
