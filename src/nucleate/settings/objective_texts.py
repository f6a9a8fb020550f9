"""Read objectives and constraints that a person writes in a few words.

    qed                          more is better
    sa_score:minimise            less is better
    logp:target=2.5              near 2.5 (tolerance=0.5 says how near)
    logp:range=1..3.5            between both
    qed:low=0.2,high=0.9,weight=2
    head=band_gap:target=1.5     what the model itself predicts

and constraints, which are no part of the score:

    logp<=5                      at most 5
    logp:range=1..3.5            between both; logp:low=1 at least 1
    sa_score<=4:tolerance=0.5    half a unit outside counts 1

Further `key=value` options are arguments of the property. Functions, programs and columns of one's
own are written in the settings file, where there is room for them.
"""

from __future__ import annotations

import re
from typing import Any

from nucleate.core.errors import SettingsError

GOALS = {"maximise": "maximise", "minimise": "minimise"}
GOALS |= {goal.replace("ise", "ize"): goal for goal in GOALS}
NUMBERS = ("low", "high", "tolerance", "weight")
_CONSTRAINT = "--constraint"
_BOUND = re.compile(
    r"(?P<what>[^<>:]+?)\s*(?P<sign><=|>=|<|>)\s*(?P<value>[^:]+)(?P<options>:.*)?$"
)
TOLERANCE = 0.2
"""Of a target, if none is given."""


def parse_objective(text: str, option: str = "--objective") -> dict[str, Any]:
    """Values of `PropertySettings`.

    Args:
        option: for messages.

    Raises:
        SettingsError: not of the form above.
    """
    what, _, options = text.strip().partition(":")
    kind, equals, name = what.partition("=")
    if not equals:
        kind, name = "property", what
    if kind not in ("property", "head") or not name:
        raise _refusal(text, option, "starts with a property's name, or head=NAME")
    out: dict[str, Any] = {kind: name}
    arguments: dict[str, Any] = {}
    for part in filter(None, options.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals and key in GOALS:
            out["goal"] = GOALS[key]
        elif not equals or not value:
            raise _refusal(text, option, f"{part!r} is neither of maximise, minimise nor key=value")
        elif key == "target":
            out |= {"goal": "target", "target": _number(text, option, value)}
        elif key == "range":
            low, between, high = value.partition("..")
            if not between:
                said = f"range={value} is one value: write {value}..{value} for a whole number"
                raise _refusal(text, option, f"{said}, a wider LOW..HIGH for any other")
            ends = (_number(text, option, end) for end in (low, high))
            out |= {"goal": "range", **dict(zip(("low", "high"), ends, strict=True))}
        elif key in NUMBERS:
            out[key] = _number(text, option, value)
        else:
            arguments[key] = _plain(value)
    if "target" in out:
        out.setdefault("tolerance", TOLERANCE * abs(out["target"]) or TOLERANCE)
    return {**out, "arguments": arguments} if arguments else out


def parse_constraint(text: str) -> dict[str, Any]:
    """Values of `PropertySettings` with `constraint`.

    Raises:
        SettingsError: not of the form above.
    """
    bound = _BOUND.match(text)
    plain = text if bound is None else bound["what"] + (bound["options"] or "")
    out = parse_objective(plain, _CONSTRAINT)
    if bound is not None:
        end = "high" if bound["sign"].startswith("<") else "low"
        out[end] = _number(text, _CONSTRAINT, bound["value"])
    if "low" not in out and "high" not in out:
        raise _refusal(text, _CONSTRAINT, "says not where the value must lie")
    return {**out, "constraint": True}


def _number(text: str, option: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _refusal(text, option, f"{value!r} is not a number") from None


def _plain(value: str) -> bool | int | float | str:
    if value in ("true", "false"):
        return value == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _refusal(text: str, option: str, why: str) -> SettingsError:
    example = (
        "'logp<=5', 'qed>=0.6', logp:range=1..3"
        if option == _CONSTRAINT
        else "qed, sa_score:minimise, logp:target=2.5, logp:range=1..3,weight=0.5"
    )
    return SettingsError(f"{option} {text!r}: {why}; write e.g. {example}")
