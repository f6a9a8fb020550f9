"""Jobs as Prefect flows, on the shipped model of molecules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nucleate.settings.data import FeaturizeSettings
from nucleate.settings.sample import SampleSettings
from nucleate.settings.screen import ScreeningSettings, ScreenSettings
from nucleate.settings.study import StudySettings


def artifacts() -> dict[str, Any]:
    """The newest artifact of each key."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.read_artifacts()
    return {one.key: one.data for one in sorted(found, key=lambda one: one.created)}


def test_generate_draws_and_gates(jobs: Any, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    gate = ScreenSettings(checks=({"name": "parses"}, {"name": "rings"}), processes=0, keep=5)
    figures = jobs.generate(str(out), settings=SampleSettings(count=12), gate=gate, device="cpu")
    assert figures["requested"] == 12
    assert 0 < figures["candidates"] <= 5
    assert (out / "samples.csv").is_file()
    assert (out / "screened" / "candidates.parquet").is_file()
    assert "rings" in [row["check"] for row in json.loads(artifacts()["funnel"])]


def test_optimize_goes_on_in_rounds(jobs: Any, tmp_path: Path) -> None:
    study = StudySettings.model_validate(
        {
            "model": "molecules",
            "out": str(tmp_path / "study"),
            "objectives": [{"property": "qed"}],
            "sampler": "random-prior",
            "trials": 9,
            "batch": 3,
            "reference": 4,
            "device": "cpu",
        }
    )
    figures = jobs.optimize(study, trials_per_round=4)
    assert figures["trials"] == 9
    assert (tmp_path / "study" / "optimized.parquet").is_file()


def test_screen_and_featurize_take_files(jobs: Any, tmp_path: Path) -> None:
    source = tmp_path / "mine.csv"
    source.write_text("smiles\n" + "".join(f"{'C' * n}O\n" for n in range(1, 15)) + "nonsense\n")
    settings = ScreeningSettings(
        matter="molecules",
        structures=str(source),
        out=str(tmp_path / "screened"),
        checks=({"name": "parses"},),
        processes=0,
    )
    assert jobs.screen(settings)["candidates"] == 14
    features = FeaturizeSettings.model_validate({"dataset": {"source": str(source)}})
    done = jobs.featurize("molecules", str(tmp_path / "features"), features)
    assert (done["accepted"], done["rejected"]) == (14, {"unparsable": 1})


def test_loop_proposes_once_and_takes_what_is_told(jobs: Any, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(
        f'model = "molecules"\nout = "{tmp_path}/loop"\nsampler = "random-prior"\ndevice = "cpu"\n'
        'reference = 4\n[[objectives]]\nmeasured = "activity"\ngoal = "maximise"\n'
        "low = 0\nhigh = 9\n"
    )
    first = jobs.loop(str(study), number=2)
    assert (first["proposed"], first["told"]) == (2, 0)
    assert jobs.loop(str(study), number=2)["proposed"] == 0, "two wait already"
    table = Path(first["table"]).read_text().splitlines()
    column = table[0].split(",").index("activity")
    rows = [line.split(",") for line in table]
    for value, row in enumerate(rows[1:], 1):
        row[column] = str(value)
    inbox = tmp_path / "loop" / "inbox"
    (inbox / "results.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    (inbox / "broken.csv").write_text("a,a\n1,2\n")
    second = jobs.loop(str(study), number=2)
    assert (second["told"], second["proposed"]) == (2, 2)
    assert "several columns" in second["tables refused"]["broken.csv"]
