"""The report's figures: Plotly, as HTML fragments that use the script embedded in the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from nucleate.report.formatting import words

PALETTE = ("#0b5c8a", "#d9822b", "#3a8f5c", "#a2456b", "#6b5ca5", "#7a6a4f", "#2aa1a8", "#8a8f98")
PASSED, NOT_JUDGED, REJECTED = "#3a8f5c", "#d9b44a", "#e3d5c8"
NOT_FIELDS = ("total", "distortion", "rate", "objective", "token_accuracy")
"""Columns of the curves that are not one field's reconstruction loss."""


def funnel(rows: Sequence[dict[str, Any]]) -> str:
    """How many each check passed, could not judge and rejected, as bars from top to bottom."""
    checks = [words(row["check"]) for row in rows]
    passed = [row["passed"] for row in rows]
    unjudged = [row.get("not_judged", 0) for row in rows]
    rejected = [
        row["entered"] - row["passed"] - left for row, left in zip(rows, unjudged, strict=True)
    ]
    figure = go.Figure()
    figure.add_bar(
        x=passed, y=checks, name="passed", orientation="h", marker_color=PASSED, text=passed
    )
    if any(unjudged):
        figure.add_bar(
            x=unjudged, y=checks, name="not judged", orientation="h", marker_color=NOT_JUDGED
        )
    figure.add_bar(x=rejected, y=checks, name="rejected", orientation="h", marker_color=REJECTED)
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_traces(textposition="auto", selector={"name": "passed"})
    figure.update_yaxes(autorange="reversed", ticks="", automargin=True)
    figure.update_xaxes(title="structures")
    return _html(figure, height=110 + 26 * len(rows))


def fields(curves: pd.DataFrame) -> list[str]:
    """Names of the fields whose held-out loss the curves hold."""
    prefix = "validation_"
    names = [c.removeprefix(prefix) for c in curves.columns if c.startswith(prefix)]
    return [name for name in names if name not in NOT_FIELDS]


def losses(curves: pd.DataFrame) -> str:
    """Reconstruction loss by field over the epochs: validation solid, training dotted."""
    figure = go.Figure()
    names = fields(curves)
    if len(names) != 1:
        names = ["distortion", *names]
    for index, name in enumerate(names):
        colour = PALETTE[index % len(PALETTE)]
        label = "all fields" if name == "distortion" else words(name)
        for split, dash in (("validation", "solid"), ("train", "dot")):
            if f"{split}_{name}" in curves.columns:
                figure.add_scatter(
                    x=curves["epoch"],
                    y=curves[f"{split}_{name}"],
                    name=label,
                    legendgroup=name,
                    showlegend=split == "validation",
                    mode="lines",
                    line={"color": colour, "dash": dash, "width": 2},
                    hovertemplate=f"{label}, {split}: %{{y:.2f}}<extra></extra>",
                )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="nats per structure", rangemode="tozero")
    return _html(figure, height=360)


def study(scores: pd.DataFrame) -> str:
    """Score of every trial, and the best so far."""
    figure = go.Figure()
    figure.add_scatter(
        x=scores["trial"],
        y=scores["score"],
        name="trial",
        mode="markers",
        marker={"color": PALETTE[0], "size": 5, "opacity": 0.45},
    )
    return _steps(figure, scores["trial"], scores["score"].cummax(), "best so far", "score", 320)


def hypervolume(scores: pd.DataFrame) -> str:
    """Hypervolume of the front after every trial."""
    values = scores["hypervolume"]
    return _steps(go.Figure(), scores["trial"], values, "front", "hypervolume", 260)


def _steps(
    figure: go.Figure, trials: pd.Series, values: pd.Series, name: str, title: str, height: int
) -> str:
    """A line of steps over the trials, on what the figure shows already."""
    line = {"color": PALETTE[1], "width": 2, "shape": "hv"}
    figure.add_scatter(x=trials, y=values, name=name, mode="lines", line=line)
    figure.update_xaxes(title="trial")
    figure.update_yaxes(title=title, rangemode="tozero")
    return _html(figure, height=height)


def front(found: pd.DataFrame) -> str:
    """Values of the objectives against each other, the front before the rest."""
    names = [name for name in found.columns if name != "pareto_layer"]
    figure = go.Figure()
    first = found["pareto_layer"] == 1
    for label, rows, colour, opacity in (
        ("other structures", found[~first], PALETTE[7], 0.35),
        ("front", found[first], PALETTE[1], 0.95),
    ):
        marker = {"color": colour, "size": 6, "opacity": opacity}
        if len(names) == 2:
            x, y = (rows[name] for name in names)
            figure.add_scatter(x=x, y=y, name=label, mode="markers", marker=marker)
        else:
            columns = [{"label": words(name), "values": rows[name]} for name in names]
            shown = {"diagonal_visible": False, "showupperhalf": False}
            figure.add_splom(dimensions=columns, name=label, marker=marker, **shown)
    if len(names) == 2:
        figure.update_xaxes(title=words(names[0]))
        figure.update_yaxes(title=words(names[1]))
    return _html(figure, height=360 if len(names) == 2 else 180 * len(names))


def script() -> str:
    """Plotly's own script, to be embedded once."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _html(figure: go.Figure, height: int) -> str:
    figure.update_layout(
        template="simple_white",
        height=height,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#1c2733"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
    )
    config = {"displayModeBar": False, "responsive": True}
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config=config))
