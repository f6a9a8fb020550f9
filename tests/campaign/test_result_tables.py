"""What people write into tables, and what is taken of it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nucleate.campaign.measurements import read_log
from nucleate.campaign.result_tables import read_table
from nucleate.campaign.status import status
from nucleate.core.errors import InputError, ResultsError
from nucleate.datasets.cells import Cell, parse_cell
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.campaigns import ACTIVITY, measured, open_campaign, small_searches, table


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small_searches(monkeypatch)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("7.25", Cell(7.25)),
        (" -1e3 ", Cell(-1000.0)),
        ("−0.5", Cell(-0.5)),
        (">10", Cell(10.0, ">")),
        ("≥ 10", Cell(10.0, ">")),
        ("< 0.1", Cell(0.1, "<")),
        ("<=0.1", Cell(0.1, "<")),
        ("Failed", Cell(None, reason="failed")),
        ("failed: no product", Cell(None, reason="no product")),
        ("", None),
        ("n/a", None),
        ("pending", None),
    ],
)
def test_cells(text, cell):
    assert parse_cell(text) == cell


@pytest.mark.parametrize("text", ["active", "1,5", "> ", "inf", "1 2", ">>3", "=SUM(A1)"])
def test_what_is_no_measurement_is_said(text):
    with pytest.raises(ValueError, match="is not a number, a bound"):
        parse_cell(text)


def test_a_decimal_comma_is_one_where_semicolons_separate(tmp_path):
    assert parse_cell("1,5", decimal_comma=True) == Cell(1.5)
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffproposal_id;activity\r\nP0001;1,5\r\n;\r\n".encode())
    found = read_table(path)
    assert found.columns == ("proposal_id", "activity")
    assert found.decimal_comma
    assert [row.cells for row in found.rows] == [{"proposal_id": "P0001", "activity": "1,5"}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK", "not a readable workbook"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"proposal_id,activity\n", "holds no rows"),
        ("a.csv", b"x,x\n1,2\n", "several columns are called 'x'"),
        ("a.csv", b"\xff\xfe\x00", "holds no rows"),
        ("a.parquet", b"PAR1", "not a readable parquet file"),
        ("a.csv", b"proposal_id,pIC50\nP0001,3\n", "has no column 'activity'.*proposal_id, pIC50"),
        ("a.csv", b"proposal_id,Activity\nP0001,3\n", "has no column 'activity'"),
        ("a.csv", b"compound,activity\nx,3\n", "neither a column 'proposal_id' nor one of"),
    ],
)
def test_tables_that_cannot_be_used_are_explained(tmp_path, name, content, message):
    campaign = open_campaign(tmp_path / "study")
    campaign.propose(1)
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        campaign.tell(path)
    assert not (tmp_path / "study" / "told").exists()
    with pytest.raises(InputError, match="no such file"):
        campaign.tell(tmp_path / "none.csv")


def test_nothing_of_a_bad_row_is_taken(tmp_path):
    terms = (ACTIVITY, PropertySettings(measured="yield", low=0, high=100))
    campaign = open_campaign(tmp_path, terms)
    batch = campaign.propose(4)
    second = batch.proposals[1].structure
    rows = [
        {"proposal_id": "P0001", "activity": "3", "yield": "good"},
        {"proposal_id": "P0099", "activity": "3"},
        {"numbers": "not a structure", "activity": "3"},
        {"activity": "3"},
        {"proposal_id": "P0003", "numbers": second, "activity": "3"},
        {"proposal_id": "P0004", "numbers": "unreadable", "activity": "3"},
        {"proposal_id": "", "numbers": "", "activity": "", "yield": ""},
    ]
    path = table(tmp_path / "a.csv", rows)
    with path.open("a") as file:
        file.write("P0002,4,5,,,more\n")
    telling = campaign.tell(path)
    assert [entry.proposal for entry in telling.entries] == ["P0004"]  # its id suffices
    reasons = [reason for _, reason in telling.rejected]
    assert [row.number for row, _ in telling.rejected] == [1, 2, 3, 4, 5, 7]
    for reason, part in zip(
        reasons,
        ["yield: 'good' is not", "never proposed", "unreadable", "no_structure", "contradiction",
         "6 cells for 4 columns"],
        strict=True,
    ):  # fmt: skip
        assert part in reason
    written = (tmp_path / "told" / "rejected-1.csv").read_text().splitlines()
    assert written[0] == "row,line,rejected_because,proposal_id,activity,yield,numbers"
    assert (
        written[1]
        == "1,2,\"yield: 'good' is not a number, a bound such as >10, or 'failed'\",P0001,3,good,"
    )
    assert len(written) == 7
    campaign.tell(path)
    assert len(list((tmp_path / "told").glob("rejected-*.csv"))) == 1
    assert len(read_log(tmp_path).entries) == 1


def test_a_row_is_found_again_by_its_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('numbers,activity,notes\n\n"1,2,3,4",5,"two\nlines"\n"1,1,1,1",bad,\n')
    found = read_table(path)
    assert [(row.number, row.line) for row in found.rows] == [(1, 3), (2, 5)]
    assert found.rows[1].place == "line 5 (row 2)"
    pq.write_table(pa.table({"numbers": ["1,2,3,4"], "activity": [5.0]}), tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").rows[0].place == "row 1"


def test_values_far_from_the_rest_are_told_and_taken(tmp_path):
    campaign = open_campaign(tmp_path)
    rows = [{"numbers": f"{i},0,0,1", "activity": 4 + 0.1 * i} for i in range(6)]
    assert campaign.tell(table(tmp_path / "a.csv", rows)).far == []
    rows += [{"numbers": "0,0,0,2", "activity": -9999999}, {"numbers": "0,0,0,3", "activity": 5.5}]
    telling = campaign.tell(table(tmp_path / "b.csv", rows))
    assert len(telling.entries) == 2
    [(row, entry, median, deviation)] = telling.far
    assert (row.line, entry.value) == (8, -9999999)
    assert median == pytest.approx(4.25, abs=0.1)
    assert 0 < deviation < 1
    # Told once more, it is nothing new.
    assert campaign.tell(table(tmp_path / "c.csv", rows)).far == []


def test_concentrations_may_span_decades(tmp_path):
    rows = [{"numbers": f"{i},0,0,1", "activity": 3.0 * 10**i} for i in range(-3, 5)]
    assert open_campaign(tmp_path / "a").tell(table(tmp_path / "a.csv", rows)).far == []
    rows[-1]["activity"] = 1e300
    assert len(open_campaign(tmp_path / "b").tell(table(tmp_path / "b.csv", rows)).far) == 1


def test_bounds_count_as_their_value_and_are_flagged(tmp_path):
    campaign = open_campaign(tmp_path)
    structure = campaign.propose(1).proposals[0].structure
    campaign.tell(table(tmp_path / "a.csv", [{"proposal_id": "P0001", "activity": ">10"}]))
    told = campaign.measurements.of(structure)
    assert told.mean("activity") == 10.0
    assert told.to_json()["activity"][0]["bound"] == ">"
    assert status(campaign)["censored"] == 1


def test_dates_and_replicates_tell_equal_values_apart(tmp_path):
    campaign = open_campaign(tmp_path)
    structure = campaign.propose(1).proposals[0].structure
    for day in ("2026-01-01", "2026-01-02"):
        row = {"proposal_id": "P0001", "activity": 5, "date": day}
        campaign.tell(table(tmp_path / f"{day}.csv", [row]))
    row = {"proposal_id": "P0001", "activity": 5, "date": "2026-01-02", "replicate": "b"}
    campaign.tell(table(tmp_path / "b.csv", [row]))
    values = campaign.measurements.of(structure).values["activity"]
    assert [(v.value, v.date, v.file) for v in values] == [
        (5.0, "2026-01-01", "2026-01-01.csv"),
        (5.0, "2026-01-02", "2026-01-02.csv"),
        (5.0, "2026-01-02", "b.csv"),
    ]


def test_parquet_and_files_of_structures(tmp_path):
    campaign = open_campaign(tmp_path)
    campaign.propose(2)
    (tmp_path / "one.txt").write_text("7,7,7,7")
    rows = pa.table(
        {"proposal_id": ["P0001", None], "path": [None, "one.txt"], "activity": [3.5, 28]}
    )
    pq.write_table(rows, tmp_path / "a.parquet")
    telling = campaign.tell(tmp_path / "a.parquet")
    assert telling.own == ["7,7,7,7"]
    assert [entry.value for entry in telling.entries] == [3.5, 28.0]
    other = table(tmp_path / "b.csv", [{"what": "6,6,6,6", "activity": 24}])
    assert campaign.tell(other, structure_column="what").own == ["6,6,6,6"]
    with pytest.raises(InputError, match="has no column 'where'"):
        campaign.tell(other, structure_column="where")


def test_the_table_of_a_batch_may_be_filled_in(tmp_path):
    campaign = open_campaign(tmp_path)
    batch = campaign.propose(2)
    path = campaign.table(batch)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1] + "12", lines[2]]) + "\n")
    telling = campaign.tell(path)
    assert (len(telling.entries), telling.empty) == (1, 1)
    open_campaign(tmp_path)
    assert path.read_text().splitlines()[1].endswith(",12")


def test_a_damaged_log_is_named(tmp_path):
    campaign = open_campaign(tmp_path)
    campaign.tell(table(tmp_path / "a.csv", measured(campaign.propose(2))))
    log = tmp_path / "told" / "measurements.jsonl"
    log.write_text(log.read_text() + "half a li\n")
    with pytest.raises(ResultsError, match=r"measurements.jsonl: line 3 is damaged"):
        open_campaign(tmp_path)
