"""The engine: sections in workers, journals, and what hangs or dies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.core.errors import SettingsError
from nucleate.matter import registry
from nucleate.matter.checks import Candidate, Check, CheckContext, EachCheck, Verdict
from nucleate.molecules import Molecules
from nucleate.screening.check_engine import Engine, Limits, read_file
from nucleate.screening.funnel import Funnel, build_checks, check_tables
from nucleate.screening.intake import Rows
from nucleate.screening.rejections import Rejected, Rejections
from nucleate.screening.sections import split
from nucleate.settings.data import DatasetSettings
from nucleate.testing.isolated_jobs import Interrupted
from nucleate.testing.toy_matter import Small, ToyMatter

CONTEXT = CheckContext()


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks that another package brings, found by workers as well."""
    folder = tmp_path / "site" / "hostile-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[nucleate.checks.molecules]\nhostile = nucleate.testing.isolated_jobs:Hostile\n"
        "interrupted = nucleate.testing.isolated_jobs:Interrupted\n"
        "[nucleate.checks.toy]\nbroken = nucleate.testing.isolated_jobs:NoCheck\n"
    )
    monkeypatch.syspath_prepend(str(folder.parent))


def through(
    folder: Path,
    funnel: Funnel,
    names: list[str],
    rows: Rows | None = None,
    processes: int = 0,
    seconds: float = 30.0,
    key: str = "key",
) -> Engine:
    matter = Molecules()
    tables = check_tables(matter, [{"name": name} for name in names])
    checks = build_checks(matter, tables, CONTEXT)
    engine = Engine(matter, checks, tables, CONTEXT, Limits(processes, seconds, folder, key))
    engine.run(funnel, lambda found: None, rows)
    return engine


def candidates(*smiles: str) -> list[Candidate]:
    return [Candidate(one) for one in smiles]


def reasons(funnel: Funnel) -> dict[str, str]:
    return {item.candidate.structure: item.reason for item in funnel.rejected}


@pytest.mark.usefixtures("plugins")
def test_what_hangs_dies_or_raises_becomes_a_rejected_row(tmp_path: Path) -> None:
    funnel = Funnel(candidates("CC", "CF", "CCl", "CBr", "CI", "CCC"))
    through(tmp_path, funnel, ["parses", "hostile"], processes=2, seconds=1.5)
    assert [c.structure for c in funnel.candidates] == ["CC", "CCC"]
    assert reasons(funnel) == {
        "CF": "hostile: not judged: stopped after 1.5 s",
        "CCl": "hostile: not judged: its process died (exit code 9)",
        "CBr": "hostile: not judged: the check failed (RuntimeError: bromine)",
        "CI": "hostile: holds iodine",
    }
    assert [(step.check, step.entered, step.passed) for step in funnel.steps] == [
        ("parses", 6, 6),
        ("hostile", 6, 2),
    ]


@pytest.mark.usefixtures("plugins")
def test_rows_of_a_file_are_guarded_likewise(tmp_path: Path) -> None:
    file = tmp_path / "ideas.smi"
    file.write_text("CC a\nCF b\nnonsense c\nC-C d\nCCC e\n")
    rows = Rows(DatasetSettings(source=str(file)), Molecules())
    funnel = Funnel([])
    through(tmp_path, funnel, ["parses", "hostile"], rows, processes=1, seconds=1.5)
    assert [c.structure for c in funnel.candidates] == ["CC", "CCC"]
    assert funnel.candidates[0].columns["source_id"] == "a+d"
    found = {item.candidate.columns["source_id"]: item.reason for item in funnel.rejected}
    assert found["b"] == "hostile: not judged: stopped after 1.5 s"
    assert "nonsense" in found["c"]
    standardise, parses, hostile = funnel.steps
    assert (standardise.entered, standardise.passed) == (5, 3)
    assert (parses.entered, hostile.entered, hostile.passed) == (3, 3, 2)
    for step in funnel.steps:
        assert step.entered == step.passed + sum(step.reasons.values())


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("from_file", [False, True])
def test_a_killed_screening_goes_on_where_it_was(tmp_path: Path, from_file: bool) -> None:
    chains = ["C" * n + tail for n in range(1, 101) for tail in ("", "N", "O")]
    file = tmp_path / "chains.smi"
    file.write_text("\n".join(chains))

    def run(folder: str, key: str = "key") -> tuple[Funnel, Engine]:
        rows = Rows(DatasetSettings(source=str(file)), Molecules()) if from_file else None
        funnel = Funnel([] if from_file else candidates(*chains))
        return funnel, through(tmp_path / folder, funnel, ["interrupted"], rows, key=key)

    Interrupted.stop_at = "C" * 60
    with pytest.raises(KeyboardInterrupt):
        run("once")
    Interrupted.judged.clear()
    found, engine = run("once")
    assert engine.reused == 2  # chunks of 64; the third was interrupted
    assert not {"C", "CC", "C" * 20} & set(Interrupted.judged)
    whole, _ = run("whole")
    assert [c.structure for c in found.candidates] == [c.structure for c in whole.candidates]
    assert [c.columns for c in found.candidates] == [c.columns for c in whole.candidates]
    assert reasons(found) == reasons(whole)
    assert [(s.entered, s.passed, s.reasons) for s in found.steps] == [
        (s.entered, s.passed, s.reasons) for s in whole.steps
    ]
    assert run("once", key="of another run")[1].reused == 0


@pytest.mark.usefixtures("plugins")
def test_a_torn_journal_is_cut(tmp_path: Path) -> None:
    chains = ["C" * n for n in range(1, 131)]
    through(tmp_path, Funnel(candidates(*chains)), ["interrupted"])
    journal = tmp_path / "section-00.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    again = Funnel(candidates(*chains))
    assert through(tmp_path, again, ["interrupted"]).reused == 2
    assert len(again.candidates) == 130
    other = Funnel(candidates(*chains[1:]))
    assert through(tmp_path, other, ["interrupted"]).reused == 0
    assert len(other.candidates) == 129


@pytest.mark.usefixtures("plugins")
def test_checks_of_other_packages_are_known_and_never_usual(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    assert "hostile" in Molecules().checks.all()
    assert "hostile" not in [t["name"] for t in check_tables(Molecules(), ())]
    with pytest.raises(SettingsError, match="broken is not a Check"):
        ToyMatter().checks.all()


class Cheap(EachCheck):
    name = "cheap"
    description = "a check"

    def one(self, candidate: Candidate) -> Verdict:
        return Verdict(True)


class Slow(Cheap):
    name = "slow"
    expensive = True
    seconds = 100.0


class Batch(Small):
    name = "batch"
    independent = True
    chunk = 12


def made(*kinds: type[Check]) -> list[Check]:
    return [kind(kind.Options(), CONTEXT) for kind in kinds]


def test_checks_are_done_together_where_they_can_be() -> None:
    checks = made(Cheap, Cheap, Small, Cheap, Slow, Slow, Batch, Cheap)
    sections = split(checks, [{"name": c.name} for c in checks])
    assert [[c.name for c in s.checks] for s in sections] == [
        ["cheap", "cheap"], ["small"], ["cheap"], ["slow", "slow"], ["batch"], ["cheap"],
    ]  # fmt: skip
    assert [s.independent for s in sections] == [True, False, True, True, True, True]
    assert [s.chunk for s in sections] == [64, 64, 64, 64, 12, 64]
    assert sections[0].seconds(30) == 30
    assert sections[3].seconds(30) == 100
    assert sections[4].seconds(30) == 360


class Halved(EachCheck):
    """Replaces a string of numbers by half of each, so that some become equal."""

    name = "halved"
    description = "half of each number"

    def one(self, candidate: Candidate) -> Verdict:
        numbers = [int(n) for n in candidate.structure.split(",")]
        half = ",".join(str(n // 2) for n in numbers)
        return Verdict(max(numbers) < 9, structure=half, reason="a nine")


class HalvedTogether(Halved):
    """The same, done by the funnel itself."""

    independent = False


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), unique_by=tuple, max_size=25))
def test_workers_and_the_funnel_itself_come_to_the_same(tmp_path_factory, rows) -> None:  # type: ignore[no-untyped-def]
    names = [",".join(map(str, row)) for row in rows]
    found = []
    for kind in (Halved, HalvedTogether):
        checks = made(kind, kind)
        matter = ToyMatter()
        matter.checks.own = lambda kind=kind: {"halved": kind}  # type: ignore[method-assign]
        funnel = Funnel(candidates(*names))
        engine = Engine(
            matter, checks, [{"name": "halved"}] * 2, CONTEXT,
            Limits(0, 9.0, tmp_path_factory.mktemp("x"), "k"),
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(registry, "get", lambda name, matter=matter: matter)
            engine.run(funnel, lambda f: None)
        found.append(funnel)
        for step in funnel.steps:
            assert step.entered == step.passed + sum(step.reasons.values())
    alone, together = found
    assert [c.structure for c in alone.candidates] == [c.structure for c in together.candidates]
    assert len(alone.rejected) == len(together.rejected)
    assert [(s.entered, s.passed) for s in alone.steps] == [
        (s.entered, s.passed) for s in together.steps
    ]


def test_rejections_beyond_memory_are_kept_on_disk() -> None:
    every = [Rejected(Candidate(f"C{n}", {"x": n}), "check", f"reason {n}") for n in range(25)]
    held = Rejections(every, in_memory=10)
    assert len(held) == 25
    assert list(held) == every
    held.append(every[0])
    assert [one.candidate.columns["x"] for one in held] == [*range(25), 0]


def test_a_file_is_read_without_checks(tmp_path: Path) -> None:
    file = tmp_path / "ideas.smi"
    file.write_text("CC\nC-C\nnonsense\n")
    funnel = read_file(DatasetSettings(source=str(file)), Molecules(), tmp_path)
    assert [c.structure for c in funnel.candidates] == ["CC"]
    assert len(funnel.rejected) == 1
