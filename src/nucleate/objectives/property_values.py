"""Values of several properties, computed at most once per structure, with reasons of failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError, SettingsError, StructureError
from nucleate.matter.base import Matter
from nucleate.matter.properties import Property
from nucleate.objectives.property import ObjectiveProperty

REFERENCE, REFERENCE_SLOW = 256, 64
"""Known structures that scales rest on, where all properties are cheap and where any is not."""
MIN_FAILURES_TO_ABORT = 10
"""Known structures from which an objective that fails on every one of them ends the run."""


class PropertyValues:
    """Properties with a memory of all structures whose values were ever asked for.

    Attributes:
        names: column name by property; a repeated property gets a number.
        computed: structures whose properties were computed by this object.
    """

    def __init__(self, matter: Matter, properties: Sequence[Property]):
        self.matter, self.properties = matter, list(properties)
        self.names: list[str] = []
        for place, built in enumerate(self.properties):
            taken = 1 + sum(p.name == built.name for p in self.properties[:place])
            self.names.append(built.name if taken == 1 else f"{built.name}_{taken}")
        self.computed = 0
        self._raw: dict[str, tuple[float, ...]] = {}
        self._extra: dict[str, dict[str, Any]] = {}
        self._reasons: dict[str, dict[str, str]] = {}  # by structure and name

    @property
    def is_cheap(self) -> bool:
        """Whether all terms are built-in properties that take milliseconds at most."""
        return bool(self.properties) and all(built.is_cheap for built in self.properties)

    @property
    def reference_size(self) -> int:
        """How many known structures are worth scoring for the sake of scales and of a start."""
        return REFERENCE if self.is_cheap else REFERENCE_SLOW

    def check(self, reference: Sequence[str]) -> NDArray[np.float64]:
        """Raw values [n, terms] of known structures.

        Raises:
            SettingsError: what a person brought fails on every one of them, if they are many.
        """
        raw = self.raw(reference)
        for column, (name, built) in enumerate(zip(self.names, self.properties, strict=True)):
            hopeless = (
                len(reference) >= MIN_FAILURES_TO_ABORT and not np.isfinite(raw[:, column]).any()
            )
            if hopeless and isinstance(built, ObjectiveProperty):
                reasons = Counter(self._reasons.get(s, {}).get(name, "") for s in reference)
                reason, count = reasons.most_common(1)[0]
                raise SettingsError(
                    f"objective {name!r} ({built.description}): no value for any of "
                    f"{len(reference)} known structures; for {count} of them: "
                    + (reason or "no reason given")
                )
        return raw

    def raw(self, structures: Sequence[str]) -> NDArray[np.float64]:
        """Raw values [n, terms]; computed for those that are not remembered."""
        missing = list(dict.fromkeys(s for s in structures if s not in self._raw))
        if missing and self.properties:
            missing = self._mask_allowed(missing)
        if missing and self.properties:
            values = np.stack(
                [
                    self._values(n, p, missing)
                    for n, p in zip(self.names, self.properties, strict=True)
                ],
                axis=1,
            )
            for structure, row in zip(missing, values.tolist(), strict=True):
                self._raw[structure] = tuple(row)
            self.computed += len(missing)
        if not self.properties:
            return np.zeros((len(structures), 0))
        rows = [self._raw[s] for s in structures]
        return np.array(rows, dtype=np.float64).reshape(len(structures), len(self.properties))

    def _mask_allowed(self, structures: Sequence[str]) -> list[str]:
        """Structures whose properties may be computed. The others have no value in anything, so
        that no search is ever paid for them (`Checks.reasons_to_forbid`)."""
        allowed = []
        for structure, why in zip(
            structures, self.matter.checks.reasons_to_forbid(structures), strict=True
        ):
            if why:
                self._raw[structure] = (float("nan"),) * len(self.properties)
                self._reasons[structure] = dict.fromkeys(self.names, why)
            else:
                allowed.append(structure)
        return allowed

    def _values(self, name: str, built: Property, structures: Sequence[str]) -> NDArray[np.float64]:
        """Values [n] of one property; reasons of those that failed are kept."""
        reasons: dict[str, str] = {}
        values = _compute(built, structures, reasons)
        if isinstance(built, ObjectiveProperty):
            reasons.update({s: built.failures[s] for s in structures if s in built.failures})
        for structure, reason in reasons.items():
            self._reasons.setdefault(structure, {})[name] = reason
        return values

    def remember(
        self, structure: str, raw: Mapping[str, float | None], reasons: Mapping[str, str] = {}
    ) -> None:
        """Keep raw values, and reasons of those that failed, that an earlier process computed."""
        values = [raw.get(name) for name in self.names]
        self._raw[structure] = tuple(float("nan") if v is None else float(v) for v in values)
        if reasons:
            self._reasons[structure] = dict(reasons)

    @property
    def extra_names(self) -> list[str]:
        """Names of the columns of `extra`."""
        return [
            f"{name}{column.removeprefix(built.name)}"
            for name, built in zip(self.names, self.properties, strict=True)
            if isinstance(built, ObjectiveProperty)
            for column in built.column_names
        ]

    def extra(self, structure: str) -> dict[str, Any]:
        """Further columns of a structure: uncertainty, whether it is in the domain."""
        self._add_extra([structure])
        return self._extra.get(structure, {})

    def _add_extra(self, structures: Sequence[str]) -> None:
        """Compute `extra` of those structures that lack it."""
        missing = list(dict.fromkeys(s for s in structures if s not in self._extra))
        for name, built in zip(self.names, self.properties, strict=True):
            if not missing or not isinstance(built, ObjectiveProperty) or not built.column_names:
                continue
            for column, values in built.columns(missing).items():
                shown = f"{name}{column.removeprefix(built.name)}"
                for structure, value in zip(missing, values.tolist(), strict=True):
                    self._extra.setdefault(structure, {})[shown] = value

    def reasons(self, structure: str) -> dict[str, str]:
        """Why a structure has no value, by name; for `remember`."""
        values = self._raw.get(structure, ())
        known = self._reasons.get(structure, {})
        return {
            name: known.get(name, "no value")
            for name, value in zip(self.names, values, strict=False)
            if not np.isfinite(value)
        }

    def reason(self, structure: str) -> str:
        """Why a structure has no value, in one line; empty if it has all of them."""
        found = self.reasons(structure)
        if 1 < len(found) == len(self.names) and len(set(found.values())) == 1:
            return next(iter(found.values()))  # e.g. a hazard, whatever the objective
        return "; ".join(f"{name}: {why}" for name, why in found.items())

    def failures(self) -> dict[str, dict[str, int]]:
        """How many structures have no value, by name and reason, most frequent first."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in self.names}
        for structure in self._raw:
            for name, why in self.reasons(structure).items():
                counts[name][why] += 1
        return {name: dict(counted.most_common()) for name, counted in counts.items() if counted}

    def close(self) -> None:
        """End the worker processes of properties that have some; they start again when needed."""
        for built in self.properties:
            if isinstance(built, ObjectiveProperty):
                built.close()


def _compute(
    built: Property, structures: Sequence[str], reasons: dict[str, str]
) -> NDArray[np.float64]:
    """Values [n]; a structure on which the property raises against its promise gives NaN.

    Args:
        reasons: gets why, by structure.
    """
    why = "the property gave another number of values"
    try:
        values = np.asarray(built.compute(structures), dtype=np.float64)
        if values.shape == (len(structures),):
            return values
    except NucleateError as error:
        if not isinstance(error, StructureError):
            raise
        why = str(error)
    except Exception as error:
        # Find the culprit below: a search of hours must not end for one structure.
        why = f"{type(error).__name__}: {error}"
    if len(structures) == 1:
        reasons[structures[0]] = why
        return np.array([np.nan])
    return np.concatenate([_compute(built, [s], reasons) for s in structures])
