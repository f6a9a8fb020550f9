"""Checks that look at several candidates at a time, kept from failing because of one."""

from __future__ import annotations

from collections.abc import Sequence

from nucleate.core.errors import NucleateError, StructureError
from nucleate.matter.checks import Candidate, Check, Verdict


def guarded_run(check: Check, candidates: Sequence[Candidate]) -> list[Verdict]:
    """One verdict per candidate even if the check raises on some, against its promise.

    The culprits are found one by one and rejected; the others are judged together once more, since
    a check may compare candidates with each other.

    Raises:
        NucleateError: what a person can mend, such as a file that an option names.
    """
    if not candidates:
        return []
    verdicts = _attempt(check, candidates)
    if isinstance(verdicts, list):
        return verdicts
    alone = [_attempt(check, [candidate]) for candidate in candidates]
    sound = [c for c, verdict in zip(candidates, alone, strict=True) if isinstance(verdict, list)]
    together = _attempt(check, sound)
    again = iter(together) if isinstance(together, list) else None
    return [
        _failed(verdict)
        if isinstance(verdict, Exception)
        else (verdict[0] if again is None else next(again))
        for verdict in alone
    ]


def _attempt(check: Check, candidates: Sequence[Candidate]) -> list[Verdict] | Exception:
    if not candidates:
        return []
    try:
        verdicts = list(check.run(candidates))
    except StructureError as error:
        return error
    except NucleateError:
        raise
    except Exception as error:
        return error
    if len(verdicts) != len(candidates):
        return ValueError(f"{len(verdicts)} verdicts for {len(candidates)} candidates")
    return verdicts


def _failed(error: Exception) -> Verdict:
    return Verdict(False, reason=f"check failed: {type(error).__name__}: {error}"[:500])
