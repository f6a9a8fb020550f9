"""The page stands alone, escapes what it shows, and copes with what is missing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from nucleate.cli.show.run import metric_lines, run_summary, show_end
from nucleate.core.errors import ResultsError
from nucleate.core.files import write_json
from nucleate.report.collect import MatterData
from nucleate.report.formatting import number, reasons
from nucleate.stages.discover import report

LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Tags with attributes, the visible text, and whether every tag is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data


def test_page_is_self_contained(make_run: Callable[..., Path]) -> None:
    path = report(make_run())
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    for tag, attributes in page.tags:
        address = attributes.get(LOADS.get(tag, ""), "") or ""
        assert not address or address.startswith("data:"), (tag, address)
        if tag == "img":
            assert attributes["alt"]
    assert "@import" not in text.split("</style>")[0]
    assert path.stat().st_size < 6_000_000
    for said in ("84.0 %", "4,812", "60 / 64", "bad valence (15)", "found by the search, trial 1"):
        assert said in page.text
    assert "<b>CC</b>" in page.text  # escaped in the file: shown, not obeyed


def test_page_without_candidates_says_so(make_run: Callable[..., Path]) -> None:
    page = Page(report(make_run(candidates=0)).read_text(encoding="utf-8"))
    assert "No structure passed every check" in page.text


@pytest.mark.parametrize("stages", range(5))
def test_page_of_an_unfinished_run(make_run: Callable[..., Path], stages: int) -> None:
    page = Page(report(make_run(stages=stages)).read_text(encoding="utf-8"))
    assert "has not come to its checks" in page.text


def test_page_is_written_once(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    first = report(folder).stat().st_mtime_ns
    assert report(folder).stat().st_mtime_ns == first
    assert report(folder, fresh=True).stat().st_mtime_ns != first


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="not the folder of a run"):
        report(tmp_path)
    write_json(tmp_path / "manifest.json", {"stage": "optimize"})
    with pytest.raises(
        ResultsError, match=r"output of `nucleate optimize`.*`nucleate screen` on it"
    ):
        report(tmp_path)


def test_damaged_candidates_are_named(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    (folder / "molecules" / "screen" / "candidates.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(ResultsError, match=r"candidates\.parquet"):
        report(folder)


def test_terminal_ends_with_funnel_best_and_path(make_run: Callable[..., Path]) -> None:
    page = report(make_run())
    out = Console(file=io.StringIO(), width=120)
    show_end(out, page)
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert "bad valence (15)" in shown
    assert "the best 5 of 8" in shown
    assert "CC(=O)Nc1ccc(O)cc1" in shown
    assert str(page) in shown.replace("\n", "")


def test_nothing_says_passed_of_what_was_not_judged(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    screened = folder / "molecules" / "screen"
    steps = json.loads((screened / "funnel.json").read_text())
    steps[-1] |= {"passed": 5, "not_judged": 3, "not_judged_for": {"nothing known": 3}}
    write_json(screened / "funnel.json", steps)
    rows = pd.read_parquet(screened / "candidates.parquet")
    marked = [None] * (len(rows) - 3) + ["novelty"] * 3
    reasons = [None if one is None else "nothing known" for one in marked]
    rows.assign(not_judged=marked, novelty_not_judged=reasons).to_parquet(
        screened / "candidates.parquet"
    )
    page = report(folder)
    html = page.read_text(encoding="utf-8")
    assert "passed them all" not in html
    assert "3 were not judged by some check (novelty 3)" in html
    assert html.count("<strong>Not judged: novelty</strong> (nothing known)") == 3
    assert "nothing known (3)" in html
    assert "<strong>5</strong><span>candidates that passed every check</span>" in html
    out = Console(file=io.StringIO(), width=200)
    show_end(out, page)
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert "not judged by novelty: nothing known (3)" in shown
    assert "Not judged by every check, so not passed: 3 of 8 candidates (novelty 3)" in shown


def test_summary_is_json(make_run: Callable[..., Path]) -> None:
    summary = run_summary(make_run())
    assert json.loads(json.dumps(summary))["candidates"] == {"molecules": 8}
    assert len(summary["matter"]["molecules"]["best"]) == 5


def test_wording() -> None:
    assert number(1234567) == "1,234,567"
    assert number(0.123456) == "0.123"
    assert number(float("nan")) == "–"
    assert number(True) == "yes"
    assert reasons({"a_b": 5, "c": 9, "d": 1, "e": 1}) == "c (9); a b (5); d (1); other reasons (1)"
    assert metric_lines({"held_out": {"n": 3}}) == ["held out.n  3"]


def test_units_of_what_a_person_brought_come_from_the_study(tmp_path: Path) -> None:
    terms = ({"property": "qed"}, {"property": "", "command": ["dock"]})
    scored = (
        {"column": "dock", "unit": "kcal/mol", "description": "external program dock"},
        {"column": "old", "settings": {}},  # as written before units were noted
    )
    data = MatterData("molecules", tmp_path, objectives=terms, scored=scored)
    assert data.units() == {"qed": "", "dock": "kcal/mol"}
    assert data.descriptions()["dock"] == "external program dock"
    assert "qed" in data.descriptions()
    assert MatterData("unknown", tmp_path, scored=scored).units() == {"dock": "kcal/mol"}
