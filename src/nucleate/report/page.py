"""The page `report.html`: one file that needs nothing else, neither a network nor a server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nucleate.core.version import __version__
from nucleate.matter.reading_notes import reading_lines
from nucleate.report import figures
from nucleate.report import formatting as wording
from nucleate.report.collect import MatterData, RunData
from nucleate.screening.funnel import NOT_JUDGED

SHOWN = 50
"""Candidates of each kind of matter that the page shows; the files hold all."""
LONGEST = 160
"""Characters of a cell that are shown."""


def render(run: RunData, key: str = "") -> str:
    """The page's HTML.

    Args:
        key: put near the page's top, so that a later run can tell what it shows.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": wording.number,
        "percent": wording.percent,
        "words": wording.words,
        "reasons": wording.reasons,
    }
    sections = [_section(data) for data in run.matter]
    drawn = any(s["funnel_figure"] or s["loss_figure"] or s["study_figure"] for s in sections)
    return environment.get_template("page.html.j2").render(
        run=run,
        key=key,
        version=__version__,
        sections=sections,
        style=Markup((Path(__file__).parent / "page.css").read_text(encoding="utf-8")),
        script=Markup(figures.script()) if drawn else "",
        packages=run.manifest.get("packages", {}),
        minutes=run.manifest.get("seconds", 0.0) / 60,
    )


def _section(data: MatterData) -> dict[str, Any]:
    """What the template shows of one kind of matter."""
    several = data.study if data.study is not None and "hypervolume" in data.study else None
    return {
        "name": data.name,
        "failure": data.failure,
        "kept": data.candidate_count,
        "shown": min(SHOWN, data.candidate_count),
        "sentences": _sentences(data),
        "reading": [
            line for one in data.stages.values() for line in reading_lines(one.get("metrics", {}))
        ],
        "tiles": _tiles(data),
        "funnel": data.funnel,
        "unjudged": any(step.get("not_judged") for step in data.funnel),
        "funnel_figure": _figure(figures.funnel, data.funnel or None),
        "losses": _losses(data),
        "loss_figure": _figure(figures.losses, data.curves),
        "study_figure": _figure(figures.study, data.study),
        "hypervolume_figure": _figure(figures.hypervolume, several),
        "front_figure": _figure(figures.front, data.front),
        "candidates": _candidates(data),
    }


def _figure(draw: Callable[[Any], str], values: Any) -> str:
    return "" if values is None else Markup(draw(values))


def _rows(data: MatterData, stage: str, output: str) -> int | None:
    for item in data.stages.get(stage, {}).get("outputs", ()):
        if item["name"] == output:
            rows: int | None = item["rows"]
            return rows
    return None


def _sentences(data: MatterData) -> list[str]:
    """The section's summary in words, as far as the run came."""
    said = []
    records = _rows(data, "featurize", "records.parquet")
    exact = data.training.get("held_out", {}).get("exact_match")
    if records is not None:
        said.append(f"Nucleate read {records:,} known {data.name}.")
    if exact is not None:
        said.append(
            f"Its autoencoder rebuilds {wording.percent(exact)} of those it has never seen exactly,"
            " from their latent vectors alone."
        )
    if data.funnel:
        entered = data.funnel[0]["entered"]
        checks = [step for step in data.funnel if step["check"] != "keep"]
        drawn = "" if records is None else " drawn from that space"
        left = checks[-1]["passed"] + checks[-1].get("not_judged", 0) if checks else entered
        unjudged = any(step.get("not_judged") for step in checks)
        said.append(
            f"{entered:,} structures{drawn} entered {len(checks)} checks, and "
            + (
                "none came through."
                if not left
                else f"{left:,} were rejected by none, though not judged by each."
                if unjudged
                else f"{left:,} passed them all."
            )
        )
    if data.unjudged_count:
        said.append(
            f"Of the {data.candidate_count:,} candidates kept {data.unjudged_count:,} were not "
            f"judged by some check ({wording.unjudged(data)}): nothing is known against them, "
            "and they have not passed."
        )
    if data.candidate_count and data.candidates is not None and "score" in data.candidates.columns:
        best = wording.number(float(data.candidates["score"].max()))
        said.append(
            f"The best of the {data.candidate_count:,} candidates kept scores {best} out of 1."
        )
    return said


def _tiles(data: MatterData) -> list[tuple[str, str]]:
    """The headline numbers: value and what it is."""
    passed = data.candidate_count - data.unjudged_count
    tiles = [(f"{passed:,}", "candidates that passed every check")]
    if data.unjudged_count:
        tiles.append((f"{data.unjudged_count:,}", "candidates that some check could not judge"))
    if data.funnel:
        tiles.append((f"{data.funnel[0]['entered']:,}", "structures checked"))
    held_out = data.training.get("held_out", {})
    for name, label in (
        ("exact_match", "held-out structures rebuilt exactly"),
        ("token_accuracy", "held-out symbols predicted right"),
    ):
        if held_out.get(name) is not None:
            tiles.append((wording.percent(held_out[name]), label))
    if "active_units" in data.training:
        size = data.training.get("latent_size")
        active = wording.number(data.training["active_units"])
        tiles.append((active if size is None else f"{active} / {size}", "active latent units"))
    return tiles


def _losses(data: MatterData) -> list[tuple[str, float, float | None]]:
    """Reconstruction loss by field, nats per structure: name, held-out, training."""
    held_out = data.training.get("held_out", {}).get("loss", {})
    training = data.training.get("training", {})
    names = [name for name in held_out if name not in ("distortion", "rate")]
    labels = {name: wording.words(name) for name in names}
    labels |= {"distortion": "all fields together", "rate": "rate (divergence from the prior)"}
    return [
        (label, held_out[name], training.get(name))
        for name, label in labels.items()
        if name in held_out
    ]


def _candidates(data: MatterData) -> list[dict[str, Any]]:
    """Cards of the best candidates."""
    properties = data.scored_properties()
    hidden = {"latent", "score", "rank", "candidate_id", "run", "origin", "trial"}
    hidden |= {data.structure_column, *properties}
    hidden |= {f"{name}_desirability" for name in properties}
    described = data.descriptions()
    units = data.units()
    cards = []
    for rank, row in enumerate(data.best(SHOWN), start=1):
        plain = {k: v for k, v in row.items() if k not in hidden and wording.is_plain(v)}
        unjudged = [name for name in str(plain.pop(NOT_JUDGED, "")).split(", ") if name]
        reasons = [(name, str(plain.pop(f"{name}_{NOT_JUDGED}", ""))) for name in unjudged]
        nearest = {k: v for k, v in plain.items() if k.startswith("nearest")}
        if "nearest_known_formula" in nearest:
            nearest.pop("nearest_known", None)  # says the same at ten times the length
        cards.append(
            {
                "rank": rank,
                "title": wording.candidate_title(data, row),
                "image": _image(data, str(row[data.structure_column])),
                "score": row.get("score"),
                "properties": [
                    (name, row.get(name), units.get(name, ""), described.get(name, ""))
                    for name in properties
                ],
                "nearest": _cells(nearest),
                "origin": _origin(row),
                "not_judged": [(wording.words(name), reason) for name, reason in reasons],
                "more": _cells({k: v for k, v in plain.items() if k not in nearest}),
            }
        )
    return cards


def _cells(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = [(wording.words(k), wording.number(v)) for k, v in values.items()]
    return [(k, v if len(v) <= LONGEST else v[:LONGEST] + " …") for k, v in shown]


def _origin(row: Mapping[str, Any]) -> str:
    if row.get("origin") == "study":
        trial = row.get("trial")
        return "found by the search" + (
            f", trial {int(trial)}" if trial is not None and trial == trial else ""
        )
    if row.get("origin") == "file":
        return f"of the file, {row.get('source_id') or row.get('row')}"
    return "drawn from the prior" if row.get("origin") == "prior" else str(row.get("origin", ""))


def _image(data: MatterData, structure: str) -> str:
    """The structure's drawing as a data address, or empty if it cannot be drawn."""
    if data.kind is None:
        return ""
    try:
        svg = data.kind.export.draw(structure)
    except Exception:  # a picture that fails must not cost the page
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
