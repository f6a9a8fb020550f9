"""Objectives as they are written on the command line, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.settings.objective_texts import parse_constraint, parse_objective
from nucleate.settings.objectives import PropertySettings

Nucleate = Callable[..., Result]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qed", {"property": "qed"}),
        ("sa_score:minimise", {"property": "sa_score", "goal": "minimise"}),
        ("sa_score:minimize", {"property": "sa_score", "goal": "minimise"}),
        ("logp:target=2.5", {"property": "logp", "goal": "target", "target": 2.5}),
        ("logp:target=0", {"property": "logp", "goal": "target", "tolerance": 0.2}),
        ("logp:target=2.5,tolerance=1", {"goal": "target", "tolerance": 1.0}),
        ("logp:range=-1..3,weight=0.5", {"goal": "range", "low": -1, "high": 3, "weight": 0.5}),
        ("qed:low=0.2,high=0.9", {"goal": "maximise", "low": 0.2, "high": 0.9}),
        ("similarity:to=C=O,radius=2", {"arguments": {"to": "C=O", "radius": 2}}),
        ("head=band_gap:target=1.5", {"head": "band_gap", "target": 1.5, "property": ""}),
    ],
)
def test_objectives_are_read(text: str, expected: dict[str, object]) -> None:
    term = validate(PropertySettings, parse_objective(text), text).model_dump()
    assert {key: term[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "starts with a property's name"),
        ("python=a:b", "starts with a property's name"),
        ("qed:more", "neither of maximise, minimise nor key=value"),
        ("logp:target=high", "'high' is not a number"),
        ("logp:range=1", "range=1 is one value: write 1..1 for a whole number"),
    ],
)
def test_what_is_no_objective_is_explained(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_objective(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "molecules"], "needs --out"),
        (["--out", "x"], "needs --model"),
        (["--model", "molecules", "--out", "x", "--objective", "QEDD"], "no property named 'QEDD'"),
        (["--model", "molecules", "--out", "x", "--objective", "qedd"], "; did you mean qed?"),
        (
            ["--model", "molecules", "--out", "x", "--objective", "bertzt"],
            "; did you mean BertzCT? `nucleate objectives --matter molecules` lists all",
        ),
        (
            ["--model", "molecules", "--out", "x", "--objective", "similarity:to=CCO"],
            "write similarity:smiles=CCO",
        ),
        (
            ["--model", "molecules", "--out", "x", "--constraint", "logp=3"],
            "--constraint 'logp=3':",
        ),
        (
            ["--model", "molecules", "--out", "x", "--objective", "qed", "--objective", "qed"],
            "'qed' is given twice",
        ),
        (
            [
                "--model",
                "molecules",
                "--out=x",
                "--objective",
                "qed",
                "--objective",
                "QED:minimize",
            ],
            "'qed' is to be both maximised and minimised",
        ),
        (
            ["--model", "molecules", "--out", "x", "--sampler", "cma"],
            "sampler: 'cma' is none of best-of-data, cmaes, edits+screen, gp, latent, ",
        ),
        (["--model", "molecules", "--out", "x", "--sampler", "cma"], "; did you mean cmaes?"),
        (["--model", "molecules", "--out", "x", "--constraint", "qed"], "where the value must lie"),
        (
            ["--model", "molecules", "--out", "x", "--like", "Cc1ccccc1", "--combine", "best"],
            "combine: should be 'desirability', 'mean' or 'pareto'",
        ),
        (
            ["--model", "molecules", "--out", "x", "--like", "nonsense"],
            "local: like: ",
        ),
        (
            ["--model", "molecules", "--out", "x", "--like", "CC1(C)OOC(C)(C)OOC(C)(C)OO1"],
            "is never scored: hazard: peroxide (organic peroxide)",
        ),
        (
            ["--model", "molecules", "--out", "x", "--like", "C", "--sampler", "tpe"],
            "local: not offered for tpe",
        ),
        (["--model", "molecules", "--out", "x", "--sampler", "best"], "sampler"),
        (["--model", "crystals", "--out", "x", "--include", "Xx"], "include: no el"),
        (
            ["--model", "crystals", "--out", "x", "--include", "Li", "--exclude", "Li,O"],
            "local: ",
        ),
        (["--model", "molecules", "--out", "x", "--property", "logp"], "write NAME=LOW..HIGH"),
        (["--model", "none", "--out", "x"], "no shipped model of that name"),
        (["--model", "molecules", "--out", "x", "--data", "a", "--features", "b"], "exclude"),
        (["--model", "molecules", "--out", "x", "--features", "b"], "nucleate featurize"),
    ],
)
def test_impossible_studies_are_refused(
    nucleate: Nucleate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    result = nucleate("optimize", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("logp<=5", None, 5), ("logp<5", None, 5), ("logp > 1", 1, None), ("logp:range=1..3", 1, 3)],
)
def test_constraints_are_read(text: str, low: float | None, high: float | None) -> None:
    term = validate(PropertySettings, parse_constraint(text), text)
    assert (term.property, term.low, term.high, term.constraint) == ("logp", low, high, True)


def test_one_pair_of_brackets_too_few_is_explained(nucleate: Nucleate, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("model = 'molecules'\n[objectives]\nproperty = 'qed'\n")
    result = nucleate("optimize", path)
    assert result.exit_code == 2
    assert "two pairs of brackets: [[objectives]]" in result.stderr


def test_objectives_are_listed_those_of_libraries_last(nucleate: Nucleate) -> None:
    shown = nucleate("objectives", "--matter", "molecules")
    assert shown.exit_code == 0
    assert "angstrom^2" in shown.stdout
    assert "add --all" in shown.stdout
    assert "quantitative estimate of drug-likeness" in shown.stdout
    assert "BertzCT" not in shown.stdout
    every = json.loads(
        nucleate("objectives", "--matter", "molecules", "--all", "--json", "-").stdout
    )
    names = [row["name"] for row in every]
    assert names.index("qed") < names.index("similarity") < names.index("BertzCT")
    crystals = nucleate("objectives", "--matter", "crystals", "density", "--json", "-")
    assert json.loads(crystals.stdout) == [
        {"name": "density", "unit": "g/cm3", "description": "mass density of the crystal"}
    ]
    wrong = nucleate("objectives", "--matter", "crystals", "densty")
    assert wrong.exit_code == 2
    assert "did you mean density?" in wrong.stderr


def test_a_run_s_settings_are_not_a_study_s(nucleate: Nucleate, settings_file: Path) -> None:
    result = nucleate("optimize", settings_file)
    assert result.exit_code == 2
    assert "`nucleate discover` takes it" in result.stderr
    settings_file.write_text("model = 'molecules'\nsamplr = 'tpe'")
    result = nucleate("optimize", settings_file)
    assert result.exit_code == 2
    assert "unknown key" in result.stderr
