"""The same values in CSV, Parquet and SQLite, read with what people read them with."""

import csv
import json
import math
import pickle
import re
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from orthanc_ai.files import sha256_of
from orthanc_ai.formulas import without_apostrophe
from orthanc_ai.tables.assemble import assemble
from orthanc_ai.tables.columns import DEFAULT_TAGS, Kind, Layout, Tag
from orthanc_ai.tables.formats import TABLE
from orthanc_ai.tables.orders import TableOrder
from orthanc_ai.tables.parts import part
from orthanc_ai.tables.wanted import Wanted
from orthanc_ai.tables.worker import write_rows

from .images import file_of, image, order, request

TAGS = ("SeriesNumber", "KVP", "StudyDate", "SeriesDescription", "PixelSpacing")
KINDS = {"SeriesNumber": Kind.INTEGER, "KVP": Kind.REAL, "StudyDate": Kind.DATE}


def assembled(folder: Path, rows: list[list[Any]], **more: Any) -> dict[str, Any]:
    """Make a table of rows, 3 to a part."""
    files = []
    for number in range(0, len(rows), 3):
        files.append(part(folder, number // 3))
        files[-1].parent.mkdir(exist_ok=True)
        files[-1].write_text("".join(json.dumps(row) + "\n" for row in rows[number : number + 3]))
    return assemble(TableOrder(request(*TAGS, **more), tuple(files), {"PixelSpacing": 2}, folder, {}))


def row(number: int | None, real: float | None, day: str | None, text: str | None, spacing: Any = None) -> list[Any]:
    return ["id", "P", "1", "1.2", "1.2.3", None, None, None, number, real, day, text, spacing, None]


def read_csv(file: Path, kinds: dict[str, Kind]) -> list[dict[str, Any]]:
    read: dict[Kind, Any] = {
        Kind.INTEGER: int,
        Kind.REAL: float,
        Kind.DATE: date.fromisoformat,
        Kind.TEXT: without_apostrophe,
    }
    with file.open(encoding="utf-8", newline="") as stream:
        return [
            {name: read[kinds[name]](cell) if cell else None for name, cell in one.items()}
            for one in csv.DictReader(stream)
        ]


def read_sqlite(file: Path, kinds: dict[str, Kind]) -> list[dict[str, Any]]:
    connection = sqlite3.connect(file)
    try:
        cursor = connection.execute(f"SELECT * FROM {TABLE}")
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, one, strict=True)) for one in cursor]
    finally:
        connection.close()
    for one in found:
        one |= {
            name: date.fromisoformat(one[name]) for name in one if kinds[name] is Kind.DATE and one[name] is not None
        }
    return found


def read_all(folder: Path, description: dict[str, Any]) -> list[list[dict[str, Any]]]:
    kinds = {column["name"]: Kind(column["type"]) for column in description["columns"]}
    return [
        read_csv(folder / "table.csv", kinds),
        parquet.read_table(folder / "table.parquet").to_pylist(),
        read_sqlite(folder / "table.sqlite", kinds),
    ]


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
ROWS = st.builds(
    row,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.dates().map(date.isoformat),
    st.none() | TEXTS | st.sampled_from(["=1+1", "'=x", '"', "a\r\nb", "a,b;c", "\\", " x ", "0012", "NaN", "null"]),
    st.none() | st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=2),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=8))
def test_every_value_is_the_same_in_all_formats(tmp_path: Path, rows: list[list[Any]]) -> None:
    description = assembled(tmp_path, rows, several="numbered")
    found = read_all(tmp_path, description)
    assert found[0] == found[1] == found[2]
    assert description["rows"] == len(rows) == len(found[0])
    for one, made in zip(rows, found[0], strict=True):
        day = None if one[10] is None else date.fromisoformat(one[10])
        assert [made[name] for name in ("SeriesNumber", "KVP", "StudyDate", "SeriesDescription")] == [
            *one[8:10],
            day,
            one[11],
        ]
        assert [made["PixelSpacing"], made["PixelSpacing1"]] == [*(one[12] or []), None, None][:2]


def test_columns_have_types(tmp_path: Path) -> None:
    assembled(tmp_path, [row(1, 2.5, "2026-01-31", "x", "0.5\\0.5"), row(None, None, None, None)])
    schema = parquet.read_schema(tmp_path / "table.parquet")
    types = [schema.field(name).type for name in ("SeriesNumber", "KVP", "StudyDate", "SeriesDescription", "frame")]
    assert types == [pa.int64(), pa.float64(), pa.date32(), pa.string(), pa.int64()]
    assert schema.field("KVP").metadata == {b"about": b"(0018,0060) DS"}
    connection = sqlite3.connect(tmp_path / "table.sqlite")
    declared = {name: kind for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({TABLE})")}
    connection.close()
    assert [declared[name] for name in ("SeriesNumber", "KVP", "StudyDate")] == ["INTEGER", "REAL", "TEXT"]


def test_pandas_reads_the_same_from_all_three(tmp_path: Path) -> None:
    rows = [row(number, number / 3, f"2026-01-{number + 1:02}", f"text {number}") for number in range(7)]
    assembled(tmp_path, [*rows, row(None, None, None, None)])
    dates = {"parse_dates": ["StudyDate"]}
    text = pd.read_csv(tmp_path / "table.csv", dtype_backend="pyarrow", **dates)
    arrow = pd.read_parquet(tmp_path / "table.parquet", dtype_backend="pyarrow")
    connection = sqlite3.connect(tmp_path / "table.sqlite")
    base = pd.read_sql(f"SELECT * FROM {TABLE}", connection, dtype_backend="pyarrow", **dates)
    connection.close()
    for name in ("SeriesNumber", "KVP", "SeriesDescription", "PatientID"):
        assert text[name].astype(object).fillna(0).tolist() == arrow[name].astype(object).fillna(0).tolist()
        assert base[name].astype(object).fillna(0).tolist() == arrow[name].astype(object).fillna(0).tolist()
    days = pd.to_datetime(arrow["StudyDate"]).tolist()
    assert pd.to_datetime(text["StudyDate"]).tolist() == days
    assert pd.to_datetime(base["StudyDate"]).tolist() == days
    assert math.isclose(arrow["KVP"].mean(), 1.0)


def test_a_table_says_what_it_is(tmp_path: Path) -> None:
    bad = row(1, None, None, None)
    bad[7] = "FILE_UNREADABLE"
    said = assembled(tmp_path, [row(1, 2, None, "x"), bad])
    assert said == json.loads((tmp_path / "table.json").read_text())
    assert (said["rows"], said["codes"]) == (2, {"FILE_UNREADABLE": 1})
    for one in said["files"].values():
        file = tmp_path / one["name"]
        assert (one["bytes"], one["sha256"]) == (file.stat().st_size, sha256_of(file))
    assert not list(tmp_path.glob("*.partial"))


def test_only_what_was_asked_for_is_written(tmp_path: Path) -> None:
    said = assembled(tmp_path, [row(1, 2, None, "x")], formats=["parquet"])
    assert set(said["files"]) == {"parquet"}
    assert {file.name for file in tmp_path.iterdir()} == {".parts", "table.json", "table.parquet"}


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    said = assembled(tmp_path, [])
    assert said["rows"] == 0
    assert read_all(tmp_path, said) == [[], [], []]
    assert parquet.read_schema(tmp_path / "table.parquet").names == [one["name"] for one in said["columns"]]


def test_a_full_disk_is_told_apart(tmp_path: Path) -> None:
    # A process may write files of so many bytes and no more (setrlimit(2)): as on a full disk, each write fails.
    rows = [row(number, number / 3, None, "x" * 100) for number in range(3000)]
    assembled(tmp_path, rows, formats=["csv"])
    order = TableOrder(request(*TAGS, formats=["sqlite"]), (part(tmp_path, 0),) * 900, {}, tmp_path, {})
    code = (
        "import pickle,resource,signal,sys;signal.signal(signal.SIGXFSZ,signal.SIG_IGN)\n"
        "from orthanc_ai.analyses import Task\nfrom orthanc_ai.tables.worker import TableMaker\n"
        "order=pickle.load(sys.stdin.buffer)\nresource.setrlimit(resource.RLIMIT_FSIZE,(100_000,100_000))\n"
        "outcome=TableMaker().read(Task('tables',(order,),'')).outcome\nprint(outcome.code)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(order), stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().strip() == "STORE_FAILED"


def test_a_layout_has_as_many_cells_as_columns() -> None:
    asked = request(*TAGS, statistics=True, windows=[{"name": "lung", "center": -600, "width": 1500}])
    layout: Layout = Wanted.of(asked).layout
    names = [column.name for column in layout.columns({})]
    assert names[-6:] == ["pixel_min", "pixel_max", "pixel_mean", "pixel_std", "in_lung", "unfit"]
    assert [Tag.of(tag.to_json()) for tag in layout.tags] == list(layout.tags)
    assert {tag.path: tag.kind for tag in layout.tags if tag.path in KINDS} == KINDS


GROWTH = """
import json, re, sys
from pathlib import Path
from orthanc_ai.tables import assemble
from orthanc_ai.tables.orders import TableOrder
assemble.CELLS = 50_000
order = TableOrder(json.loads(sys.argv[1]), (Path(sys.argv[2]),) * int(sys.argv[3]), {}, Path(sys.argv[2]).parent.parent, {})
assert assemble.assemble(order)["rows"] == 1000 * int(sys.argv[3])
# Of this process alone; getrusage(2) counts its parent's before exec(2) in.
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    file = part(tmp_path, 0)
    file.parent.mkdir()
    lines = [json.dumps(row(number, number / 3, "2026-01-31", f"text {number}" * 10)) for number in range(1000)]
    file.write_text("\n".join(lines) + "\n")

    def peak_kib(parts: int) -> int:
        command = [sys.executable, "-c", GROWTH, json.dumps(request(*TAGS)), str(file), str(parts)]
        return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    # 30,000 rows more, which take 40 MB in Python.
    assert peak_kib(40) - peak_kib(10) < 12 * 1024


def test_what_the_documentation_does_in_a_notebook_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(*DEFAULT_TAGS, statistics=True)
    results = write_rows([order(tmp_path, file_of(image()), asked)])
    assemble(TableOrder(asked, (Path(results[0]["file"]),), {}, tmp_path, {}))
    page = Path(__file__).parents[3] / "docs" / "tables.md"
    [code] = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page is ours
    assert names["ready"].iloc[0]["StudyDate"] == pd.Timestamp("2026-01-31")
    text = pd.read_csv("table.csv", dtype_backend="numpy_nullable")
    assert text.iloc[0]["Rows"] == names["ready"].iloc[0]["Rows"] == 4
