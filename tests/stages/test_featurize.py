"""Featurize with a made-up kind of matter (words), and once with real molecules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from nucleate.core import manifest as runs
from nucleate.core.errors import InputError, ResultsError, SettingsError, StructureError
from nucleate.core.settings import Settings
from nucleate.datasets import sources
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec, Codecs
from nucleate.matter.identity import Identity
from nucleate.matter.part import part
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.novelty.records import read_records
from nucleate.novelty.reference_sets import references
from nucleate.settings.data import DatasetSettings, FeaturizeSettings, SplitSettings
from nucleate.stages.featurize import featurize, load_records
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.schema import Field, Record, Schema

SCHEMA = Schema(
    "words",
    once=(Field("length", "gaussian", 1),),
    step=(Field("letter", "categorical", 27),),
    maximum_steps=8,
    auxiliary=(Field("value", "gaussian", 1), Field("unmeasured", "gaussian", 2)),
)


class Options(Settings):
    forbidden: str = "!"


class WordCodec(Codec):
    schema = SCHEMA

    def encode(self, structure: str) -> Record:
        Words.calls.append(f"encode {structure}")
        if "z" in structure:
            raise StructureError("unknown_symbol", f"z of {structure}")
        letters = np.array([ord(c) - 96 for c in structure], dtype=np.int64)
        return Record({"length": np.float32(len(structure))}, {"letter": letters})

    def decode(self, record: Record) -> str:
        return "".join(chr(96 + int(i)) for i in record.steps["letter"])

    def to_json(self) -> dict[str, Any]:
        return {"kind": "words"}


class WordReader(Reader):
    Options = Options

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        for number, line in enumerate(source.read_text().splitlines(), 1):
            word, _, value = line.partition(",")
            if number > (dataset.limit or number):
                return
            error = "no word" if not word else ""
            known = value.replace(".", "").isdigit()
            number_of = float(value) if known else float("nan")
            properties = dict.fromkeys(dataset.properties, number_of)
            unread = {} if known or not value else dict.fromkeys(dataset.properties, value)
            yield RawRow(number, f"w{number}", word or None, properties, error, unread)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        Words.calls.append(f"standardise {payload}")
        if payload == Words.stop_at:
            raise KeyboardInterrupt
        if options.forbidden in payload:
            raise StructureError("forbidden", f"{options.forbidden} in {payload}")
        if payload == "crash":
            raise ValueError("library defect")
        notes = ("capitals lowered",) if payload != payload.lower() else ()
        return Standardised(payload.lower(), "".join(sorted(payload.lower())), notes)


class WordIdentity(Identity):
    split_kinds = ("start",)

    def are_same(self, first: str, second: str) -> bool:
        return first[0] == second[0]

    def split_key(self, structure: str, kind: str) -> str:
        return structure[0]


class WordCodecs(Codecs):
    Options = Options

    def fit(self, structures: Sequence[str], options: Any, seed: int) -> Codec:
        Words.calls.append("fit")
        return WordCodec()

    def load(self, data: Mapping[str, Any]) -> Codec:
        return WordCodec()


class Words(Matter):
    """Lower-case words, one a line as `word,value`; anagrams of equal start are the same."""

    name = "words"
    structure_column = "word"
    reader = part(WordReader)
    identity = part(WordIdentity)
    codecs = part(WordCodecs)
    calls: list[str] = []  # noqa: RUF012
    stop_at: str | None = None


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = registry.get
    monkeypatch.setattr(registry, "get", lambda n: Words() if n == "words" else original(n))
    monkeypatch.setattr(Words, "calls", [])
    monkeypatch.setattr(Words, "stop_at", None)
    monkeypatch.setenv("NUCLEATE_DATA", str(tmp_path / "downloads"))


WORDS = [f"{a}{b}{c}" for a in "abcdefgh" for b in "ijk" for c in "mn"]


def _file(tmp_path: Path, words: Sequence[str]) -> Path:
    path = tmp_path / "words.csv"
    path.write_text("\n".join(words) + "\n")
    return path


def _settings(path: Path, **more: Any) -> FeaturizeSettings:
    dataset = {"source": str(path), **more.pop("dataset", {})}
    plain = {"dataset": dataset, "processes": 1, "chunk": 10, **more}
    return FeaturizeSettings.model_validate(plain)


def test_records_rejected_rows_and_arrays(tmp_path: Path) -> None:
    odd = ["Aim,3.5", "a!", "crash", "", "toolongaword", "buzz", "mia", "ami", "aim"]
    path = _file(tmp_path, [*odd, *WORDS])
    settings = _settings(path, dataset={"properties": ("value",)})
    manifest = featurize(settings, "words", tmp_path / "out", seed=1)

    records = load_records(manifest)
    assert records["structure"].tolist() == ["aim", "mia", *(w for w in WORDS if w != "aim")]
    assert records["id"].tolist()[:2] == ["w1", "w7"]
    assert records["feature_index"].tolist() == list(range(len(records)))
    assert records["value"].dtype == np.float64
    assert records["value"][0] == 3.5
    assert records["value"].isna().sum() == len(records) - 1
    assert set(records["split"]) == {"train", "validation", "test"}
    assert read_records(manifest).known == records["structure"].tolist()

    rejected = pd.read_parquet(manifest.path("rejected.parquet")).set_index("row")
    assert rejected["reason"].to_dict() == {
        2: "forbidden",
        3: "unexpected_error",
        4: "unreadable",
        5: "too_long",
        6: "unknown_symbol",
        8: "duplicate",
        9: "duplicate",
        9 + 1 + WORDS.index("aim"): "duplicate",
    }
    assert rejected.loc[3, "detail"] == "ValueError: library defect"
    assert rejected.loc[8, "detail"] == "repeats row 1 (id w1) of words.csv"

    codec = runs.read_json(manifest.path("codec.json"))
    assert codec["matter"] == "words"
    assert codec["schema"] == SCHEMA.to_json()
    arrays = RaggedArrays.load(manifest.path("features.npz"), SCHEMA)
    assert [WordCodec().decode(arrays.record(i)) for i in range(len(arrays))] == list(
        records["structure"]
    )
    assert arrays.once["length"].shape == (len(records), 1)
    np.testing.assert_array_equal(arrays.auxiliary["value"][:, 0], records["value"])
    assert np.isnan(arrays.auxiliary["unmeasured"]).all()

    metrics = manifest.metrics
    assert metrics["rows"] == len(odd) + len(WORDS)
    assert metrics["accepted"] + sum(metrics["rejected"].values()) == metrics["rows"]
    assert metrics["properties"] == {"value": 1}
    assert sum(metrics["split"].values()) == metrics["accepted"]
    assert [p.name for p in (tmp_path / "out").glob(".work*")] == []
    assert {o.name: o.rows for o in manifest.outputs}["records.parquet"] == len(records)


def test_nothing_changed_means_nothing_done(tmp_path: Path) -> None:
    path = _file(tmp_path, WORDS)
    first = featurize(_settings(path), "words", tmp_path / "out")
    Words.calls.clear()
    assert featurize(_settings(path, processes=2, chunk=7), "words", tmp_path / "out") == first
    assert Words.calls == []
    assert featurize(_settings(path), "words", tmp_path / "out", seed=5).key != first.key


@pytest.mark.parametrize("moment", ["standardise", "encode"])
def test_a_killed_run_resumes_at_the_next_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = _file(tmp_path, WORDS)
    expected = featurize(_settings(path), "words", tmp_path / "straight")
    original = WordCodec.encode

    def killed(self: WordCodec, structure: str) -> Record:
        if structure == WORDS[25]:
            raise KeyboardInterrupt
        return original(self, structure)

    if moment == "encode":
        monkeypatch.setattr(WordCodec, "encode", killed)
    else:
        monkeypatch.setattr(Words, "stop_at", WORDS[25])
    with pytest.raises(KeyboardInterrupt):
        featurize(_settings(path), "words", tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()
    half_written = tmp_path / "out/.records.parquet.x1.part.parquet"
    half_written.write_bytes(b"half")

    monkeypatch.setattr(WordCodec, "encode", original)
    monkeypatch.setattr(Words, "stop_at", None)
    Words.calls.clear()
    resumed = featurize(_settings(path), "words", tmp_path / "out")
    again = [call.split()[1] for call in Words.calls if call.startswith(moment)]
    assert again == WORDS[20:]
    assert ("fit" in Words.calls) == (moment == "standardise")
    assert resumed.key == expected.key
    assert not half_written.exists()
    by_name = {o.name: o.sha256 for o in expected.outputs}
    assert {o.name: o.sha256 for o in resumed.outputs} == by_name


def test_splits_by_group_and_by_the_literature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path, WORDS)
    split = SplitSettings(kind="start", validation=0.2, test=0.2)
    records = load_records(featurize(_settings(path, split=split), "words", tmp_path / "a"))
    assert records.groupby(records["structure"].str[0])["split"].nunique().max() == 1
    assert records["split"].nunique() == 3

    held_out = tmp_path / "held_out.csv"
    held_out.write_text("\n".join(WORDS[:4]))

    def resolve(dataset: DatasetSettings, matter: str, mirror: str | None) -> list[sources.Source]:
        return [
            sources.Source(held_out, dataset, "test", "set/test"),
            sources.Source(path, dataset, "train", "set/train"),
        ]

    monkeypatch.setattr("nucleate.stages.featurize.resolve", resolve)
    manifest = featurize(_settings(path), "words", tmp_path / "b")
    records = load_records(manifest)
    assert records.loc[records["split"] == "test", "structure"].tolist() == WORDS[:4]
    assert manifest.metrics["duplicates"] == 4
    assert manifest.metrics["split"] == {"train": len(WORDS) - 4, "validation": 0, "test": 4}


@pytest.mark.parametrize(
    ("duplicates", "expected"),
    [("drop", (16, 2, 4)), ("drop_within_split", (20, 2, 4)), ("keep", (21, 2, 6))],
)
def test_a_source_of_its_own_for_the_test_split(
    tmp_path: Path, duplicates: str, expected: tuple[int, int, int]
) -> None:
    held_out = tmp_path / "held_out.csv"
    held_out.write_text("\n".join([*WORDS[:4], *WORDS[:2]]))
    path = _file(tmp_path, [*WORDS[:22], WORDS[21]])
    settings = _settings(path, split={"test": 7, "validation": 2}, duplicates=duplicates)
    dataset = settings.dataset.model_copy(update={"test_source": str(held_out)})
    manifest = featurize(
        settings.model_copy(update={"dataset": dataset}), "words", tmp_path / "out"
    )
    found = tuple(manifest.metrics["split"][name] for name in ("train", "validation", "test"))
    assert found == expected
    records = load_records(manifest)
    assert set(records.loc[records["split"] == "test", "structure"]) == set(WORDS[:4])


def test_only_what_may_be_held_out_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class DecodingRequest(Settings):
        starts: str = "abc"

    monkeypatch.setattr(WordIdentity, "HoldOutOptions", DecodingRequest)
    monkeypatch.setattr(
        WordIdentity, "may_hold_out", lambda self, word, options: word[0] in options.starts
    )
    path = _file(tmp_path, WORDS)
    wanted = [word for word in WORDS if word[0] in "ab"]
    split = {"test": len(wanted) - 1, "validation": 1, "hold_out": {"starts": "ab"}}
    records = load_records(featurize(_settings(path, split=split), "words", tmp_path / "out"))
    assert sorted(records.loc[records["split"] != "train", "structure"]) == sorted(wanted)
    with pytest.raises(SettingsError, match=r"split.hold_out\].*\n.*unknown key"):
        featurize(_settings(path, split={"hold_out": {"start": "a"}}), "words", tmp_path / "no")


def test_what_reading_decided_is_counted_and_stands_beside_its_rows(tmp_path: Path) -> None:
    path = _file(tmp_path, ["Dog,1", "cog,>5", "Fog,2", "hog,n5", "a!", *WORDS])
    manifest = featurize(
        _settings(path, dataset={"properties": ["value"]}), "words", tmp_path / "out"
    )
    unread = {"numbers": 2, "unread": 2, "first": ["'>5' (row 2)", "'n5' (row 4)"]}
    assert manifest.metrics["reading"] == {
        "notes": {"capitals lowered": 2},
        "unread": {"value": unread},
        "rejected": {"forbidden": {"rows": 1, "first": "row 5 (id w5) of words.csv: ! in a!"}},
    }
    records = load_records(manifest).set_index("row")
    assert records["notes"].dropna().to_dict() == {
        1: "capitals lowered",
        2: "value: '>5' is no number",
        3: "capitals lowered",
        4: "value: 'n5' is no number",
    }
    assert list(records["value"].dropna()) == [1.0, 2.0]


def test_a_property_most_of_whose_cells_are_no_numbers_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, ["dog,1", "cog,>5", "hog,45%", *WORDS])
    settings = _settings(path, dataset={"properties": ["value"]})
    with pytest.raises(InputError, match=r"'value': 2 of 3 cells .*'>5' \(row 2\), '45%'"):
        featurize(settings, "words", tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()


def test_nothing_accepted_lists_the_reasons(tmp_path: Path) -> None:
    path = _file(tmp_path, ["a!", "b!", "crash"])
    with pytest.raises(InputError) as caught:
        featurize(_settings(path), "words", tmp_path / "out")
    message = str(caught.value)
    assert "no row was accepted" in message
    assert "forbidden: 2; first in row 1 (id w1) of words.csv: ! in a!" in message
    assert "unexpected_error: 1; first in row 3" in message
    assert not (tmp_path / "out/manifest.json").exists()


def test_too_few_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only 3 distinct structures are left to train on"):
        featurize(_settings(_file(tmp_path, WORDS[:5])), "words", tmp_path / "out")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"split": {"kind": "scaffold"}}, "no split of kind 'scaffold'.*known: random, start"),
        ({"standardise": {"forbiden": "x"}}, r"words.featurize.standardise\].*\n.*unknown key"),
        ({"codec": {"size": 3}}, r"words.featurize.codec\].*\n.*unknown key"),
        ({"dataset": {"properties": ["split"]}}, "a property cannot be called split"),
    ],
)
def test_impossible_settings(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        featurize(_settings(_file(tmp_path, WORDS), **more), "words", tmp_path / "out")


def test_an_unwritable_folder(tmp_path: Path) -> None:
    path = _file(tmp_path, WORDS)
    with pytest.raises(ResultsError, match=r"words\.csv/out: cannot be written"):
        featurize(_settings(path), "words", path / "out")


@pytest.mark.parametrize("at", ["nucleate.datasets.rows", "nucleate.datasets.tables"])
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def full(table: Any, where: Path, **_: Any) -> None:
        where.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"{at}.pq.write_table", full)
        with pytest.raises(ResultsError, match="No space left on device"):
            featurize(_settings(_file(tmp_path, WORDS)), "words", tmp_path / "out")
    left = [p.name for p in (tmp_path / "out").rglob("*") if ".part" in p.name]
    assert left == []
    assert not (tmp_path / "out/records.parquet").exists()


def test_reference_sets_are_standardised_once(tmp_path: Path) -> None:
    path = _file(tmp_path, ["Aim", "aim", "b!", *WORDS[-3:]])
    wanted = [DatasetSettings(source=str(path))]

    def known() -> list[str]:
        # A file's rows are entries each, so that a hit tells its row: "Aim" is there twice.
        found = references(wanted, "words", processes=1)
        return list(dict.fromkeys(s for one in found for s in one.structures))

    found = known()
    assert found == ["aim", *WORDS[-3:]]
    Words.calls.clear()
    assert known() == found
    assert Words.calls == []


def test_real_molecules_in_worker_processes(tmp_path: Path) -> None:
    settings = FeaturizeSettings(
        dataset=DatasetSettings(source="nci", limit=300), processes=2, chunk=100
    )
    manifest = featurize(settings, "molecules", tmp_path / "two")
    alone = featurize(
        settings.model_copy(update={"processes": 1, "chunk": 64}), "molecules", tmp_path / "one"
    )
    assert [o.sha256 for o in manifest.outputs] == [o.sha256 for o in alone.outputs]
    metrics = manifest.metrics
    assert metrics["accepted"] > 250
    assert metrics["rows"] == 300
    data = runs.read_json(manifest.path("codec.json"))
    codec = registry.get("molecules").codecs.load(data["codec"])
    arrays = RaggedArrays.load(manifest.path("features.npz"), codec.schema)
    for index, structure in enumerate(read_records(manifest).known[:50]):
        assert codec.decode(arrays.record(index)) == structure


@pytest.mark.parametrize(
    ("name", "content", "more", "message"),
    [
        ("empty.csv", "", {}, "empty"),
        ("own.csv", "name,value\na,1\n", {}, "no column"),
        ("own.csv", "smiles\nCCO\n", {"properties": ["logP"]}, "no column logP"),
        ("own.parquet", "smiles\nCCO\n", {}, "not a parquet file"),
    ],
)
def test_bad_files_are_named(
    tmp_path: Path, name: str, content: str, more: dict[str, Any], message: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        featurize(_settings(path, dataset=more), "molecules", tmp_path / "out")
    assert name in str(caught.value)
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_damaged_result_is_ours_to_explain(tmp_path: Path) -> None:
    manifest = featurize(_settings(_file(tmp_path, WORDS)), "words", tmp_path / "out")
    assert pq.read_table(manifest.path("records.parquet")).num_rows == len(WORDS)
    manifest.path("records.parquet").write_bytes(b"damaged")
    with pytest.raises(ResultsError, match=r"records\.parquet"):
        load_records(manifest)
    again = featurize(_settings(tmp_path / "words.csv"), "words", tmp_path / "out")
    assert len(load_records(again)) == len(WORDS)
