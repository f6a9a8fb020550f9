"""PMO's picture: small multiples, one panel an oracle, one line a sampler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from nucleate_benchmarks.search.pmo_auc import RunFigures, running_calls

if TYPE_CHECKING:
    from nucleate_benchmarks.search.comparison import Comparison

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31")
"""Okabe and Ito's, which colour-blind people tell apart."""
COLUMNS = 5
PANEL = (190, 130)
"""Width and height of a panel's axes, px."""
GAP = (48, 52)
TOP_MARGIN, LEFT_MARGIN = 34, 56


def mean_curve(runs: Sequence[RunFigures]) -> tuple[list[int], list[float]]:
    """Calls and the mean over seeds of the best ten's mean, as far as all seeds have come."""
    shortest = min((run.calls for run in runs), default=0)
    calls = running_calls(shortest)
    curves = [np.interp(calls, running_calls(run.calls), run.curve) for run in runs if calls]
    return calls, list(np.mean(curves, 0)) if curves else []


def picture(comparison: Comparison, budget: int) -> str:
    """An SVG of the mean of the best ten over calls, every panel with an axis of its own."""
    c = comparison
    rows = max(1, math.ceil(len(c.oracles) / COLUMNS))
    width = LEFT_MARGIN + COLUMNS * (PANEL[0] + GAP[0])
    height = TOP_MARGIN + rows * (PANEL[1] + GAP[1]) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="10" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    x = float(LEFT_MARGIN)
    for sampler in c.samplers:
        colour = _colour(c, sampler)
        parts.append(f'<path d="M{x} 14h20" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(_text(x + 25, 18, sampler, size=12))
        x += 50 + 7 * len(sampler)
    for number, oracle in enumerate(c.oracles):
        column, row = number % COLUMNS, number // COLUMNS
        left = LEFT_MARGIN + column * (PANEL[0] + GAP[0])
        top = TOP_MARGIN + row * (PANEL[1] + GAP[1]) + 14
        parts += _panel(c, oracle, budget, left, top)
    middle = TOP_MARGIN + rows * (PANEL[1] + GAP[1]) / 2
    parts.append(_text(width / 2, height - 6, "calls of the oracle", anchor="middle", size=12))
    said = f'transform="rotate(-90 14 {middle})"'
    parts.append(_text(14, middle, "mean score of the best ten", "middle", 12, said))
    return "\n".join([*parts, "</svg>", ""])


def _colour(c: Comparison, sampler: str) -> str:
    return COLOURS[c.samplers.index(sampler) % len(COLOURS)]


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 10, more: str = ""
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place} {more}>{escape(text)}</text>"


def _panel(c: Comparison, oracle: str, budget: int, left: int, top: int) -> list[str]:
    curves = {s: mean_curve(c.of(s, oracle)) for s in c.samplers}
    largest = max((max(means) for _, means in curves.values() if means), default=0.0)
    ceiling = max(0.2, math.ceil(round(largest / 0.2, 6)) * 0.2)
    wide, high = PANEL
    bottom = top + high
    parts = [_text(left, top - 5, oracle, size=11)]
    for share in (0.0, 0.5, 1.0):
        y, x = bottom - share * high, left + share * wide
        parts.append(f'<path d="M{left} {y:.1f}h{wide}" stroke="#ddd"/>')
        parts.append(_text(left - 4, y + 3, f"{share * ceiling:.2g}", anchor="end"))
        parts.append(_text(x, bottom + 13, f"{share * budget:,.0f}", anchor="middle"))
    parts.append(f'<path d="M{left} {top}v{high}h{wide}" stroke="#666" fill="none"/>')
    for sampler, (calls, means) in curves.items():
        points = [
            f"{left + wide * at / budget:.1f},{bottom - high * mean / ceiling:.1f}"
            for at, mean in zip(calls, means, strict=True)
        ]
        stroke = f'stroke="{_colour(c, sampler)}" stroke-width="1.6" fill="none"'
        parts.append(f'<polyline points="{" ".join(points)}" {stroke}/>')
    return parts
