"""The result of fine-tuning on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nucleate.matter.reading_notes import reading_lines

SMALL_BASE_SET = 100
"""Below this many structures one point of forgetting is one structure or less."""


def summary_lines(figures: Mapping[str, Any]) -> list[str]:
    """The result of fine-tuning for a person: what was used, before and after, the bound."""
    before, after, forgetting = figures["before"], figures["after"], figures["forgetting"]
    lines = [_used_lines(figures)]
    for what, key in (("added to the vocabulary", "added_symbols"), ("unknown", "unknown_symbols")):
        symbols = figures["symbols"][key]
        if symbols:
            shown = ", ".join(f"{symbol} ({count})" for symbol, count in list(symbols.items())[:12])
            more = f" and {len(symbols) - 12} more" if len(symbols) > 12 else ""
            lines.append(f"symbols {what}: {len(symbols)}: {shown}{more}")
    if figures["rejected"]:
        reasons = ", ".join(f"{reason} {count}" for reason, count in figures["rejected"].items())
        lines.append(f"rejected rows: {reasons}")
    lines += reading_lines(figures)
    lines += ["", f"{'':<44}{'before':>9}{'after':>9}"]
    rows = [
        ("held-out structures rebuilt exactly", "held_out_exact", _percent),
        ("reconstruction loss on them, nats", "held_out_nats", _number),
        (f"base set of {forgetting['base_set']} rebuilt exactly", "base_exact", _percent),
    ]
    lines += [_row(label, before[key], after[key], shape) for label, key, shape in rows]
    samples = [
        ("samples: valid", "valid", _percent),
        ("samples: unique", "unique", _percent),
        ("samples: novel to your set", "novel", _percent),
        ("samples: similarity to your nearest", "nearest_similarity", _number),
    ]
    for label, key, shape in samples:
        first, second = before["samples"].get(key), after["samples"].get(key)
        if (first, second) != (None, None):
            lines.append(_row(label, first, second, shape))
    for name, described in after["properties"].items():
        first, labels = before["properties"][name], described["held_out_labels"]
        for label, key in (
            (f"{name}: R2, {labels} held out", "held_out_r2"),
            (f"{name}: R2, each left out of {described['labels']}", "leave_one_out_r2"),
        ):
            lines.append(_row(label, first[key], described[key], _number))
        if "not_fitted" in described:
            lines.append(f"{name}: no property head: {described['not_fitted']}")
    return [*lines, "", _bound(forgetting)]


def _used_lines(figures: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{count:,} {name}" for name, count in figures["structures"].items())
    rehearsed = figures["forgetting"]["rehearsed"]
    return f"{figures['model']} fine-tuned on {parts}; {rehearsed:,} of its own rehearsed"


def _bound(forgetting: Mapping[str, Any]) -> str:
    held = "held" if forgetting["bound_held"] else "NOT HELD"
    return (
        f"forgetting: {100 * forgetting['measured']:+.1f} points of exact reconstruction, at most "
        f"{100 * forgetting['maximum']:.1f} allowed: {held}"
        f"{_kept_lines(forgetting)}{_doubt(forgetting)}"
    )


def _kept_lines(forgetting: Mapping[str, Any]) -> str:
    """Which weights were kept."""
    share, epoch = forgetting["share_of_new_weights"], forgetting["epoch_kept"]
    if share == 0:
        return "; no new weights remember enough, the old ones are kept"
    if share == 1:
        return f"; epoch {epoch} is kept"
    return f"; kept: {share:.0%} of the way from the old weights to those of epoch {epoch}"


def _doubt(forgetting: Mapping[str, Any]) -> str:
    """What a small base set means for the figure."""
    count = forgetting["base_set"]
    if count >= SMALL_BASE_SET:
        return ""
    return f"; beware: measured on only {count} structures"


def _row(label: str, before: float | None, after: float | None, shape: Any) -> str:
    return f"{label:<44}{shape(before):>9}{shape(after):>9}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
