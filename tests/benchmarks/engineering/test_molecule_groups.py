"""The shares of molecules that groups strike."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.molecules.alerts.unstable import unstable
from nucleate_benchmarks.engineering.molecule_groups import main, section


def test_shares_are_of_all_molecules() -> None:
    figures = section("t", ["CCCCO", "CC1CO1", "CC1CO1", "O=C(Cl)CC1CO1"], unstable()).figures
    assert [figure.name for figure in figures] == ["any", "epoxide", "acyl halide"]
    assert figures[1].value == pytest.approx(0.75)
    assert figures[2].note == "`O=C(Cl)CC1CO1`"


def test_a_file_is_measured(tmp_path: Path) -> None:
    (tmp_path / "mine.smi").write_text("CC1CO1\nCC(C)(C)[Si](C)(C)OCC\nc1ccccc1\n")
    main([str(tmp_path / "mine.smi"), "--out", str(tmp_path / "groups")])
    text = (tmp_path / "groups.md").read_text()
    assert "epoxide" in text
    assert "silyl ether" in text
