"""What a screening says."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from nucleate.cli.show.screening import describe_checks, show_checks, show_screening, write_page
from nucleate.core.environment import environment_info
from nucleate.core.errors import SettingsError
from nucleate.core.manifest import Manifest
from nucleate.settings.data import DatasetSettings
from nucleate.settings.screen import ScreeningSettings
from nucleate.stages.screen import screen_file

PEROXIDE = "CC(C)(C)OOC(C)(C)C"


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, ScreeningSettings]:
    folder = tmp_path_factory.mktemp("screened")
    file = folder / "ideas.smi"
    file.write_text(f"CC(=O)Oc1ccccc1C(=O)O aspirin\n{PEROXIDE} peroxide\nnonsense x\n")
    settings = ScreeningSettings(
        matter="molecules", structures=str(file), out=str(folder / "out"), processes=0, budget=0
    )
    manifest = screen_file(
        settings.stage(), DatasetSettings(source=str(file)), folder / "out",
        matter_name="molecules", seed=0, device="cpu",
    )  # fmt: skip
    return manifest, settings


def test_the_page_shows_candidates_and_the_funnel(
    screened: tuple[Manifest, ScreeningSettings],
) -> None:
    manifest, settings = screened
    page = write_page(Path(manifest.folder), manifest, settings, environment_info())
    text = page.read_text()
    assert "Screening “out”" in text
    assert "3 structures entered" in text
    assert "of the file, aspirin" in text
    assert "nucleate screen settings.toml" in text
    assert "unparsable" in text


def test_the_terminal_tells_what_was_set_apart(
    screened: tuple[Manifest, ScreeningSettings],
) -> None:
    manifest, settings = screened
    out = Console(record=True, width=120)
    show_screening(out, manifest, settings, Path("screen.html"))
    text = out.export_text()
    assert "1 structures were set apart by `hazards`" in text
    assert "3 structures, 1 candidates, 2 rejected" in text
    apart = Path(manifest.folder) / "hazards.csv"
    assert PEROXIDE in apart.read_text()
    assert "nonsense" not in apart.read_text()


@pytest.mark.parametrize("matter", ["molecules", "crystals"])
def test_every_check_says_what_it_is(matter: str) -> None:
    found = describe_checks(matter)
    assert len(found) > 10
    names = [check["name"] for check in found]
    for check in found:
        assert check["description"]
        assert all(option["description"] for option in check["options"].values()), check["name"]
        assert set(check["needs"]) <= set(names)
    out = Console(record=True, width=200)
    show_checks(out, describe_checks(matter, ["diverse"]), detailed=True)
    assert "per_" in out.export_text()
    with pytest.raises(SettingsError, match=r"'sise'.*known"):
        describe_checks(matter, ["sise"])
