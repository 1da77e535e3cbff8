"""A growing table is complete at any moment, and can be resumed."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records import GrowingTable, TableRow, read_rows


@dataclass(frozen=True)
class Found(TableRow):
    name: str
    number: int
    value: float


def test_rows_are_appended_read_again_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    table = GrowingTable(path, Found)
    assert table.rows == () and not path.exists()
    rows = [Found("a, b", 1, 0.1), Found("c", 2, float("inf"))]
    table.append(*rows)
    again = GrowingTable(path, Found)
    assert list(again.rows) == rows
    again.append(Found("d", 3, -1e-300))
    assert len(read_rows(path, Found)) == 3
    again.keep(lambda row: row.number != 2)
    assert [row.number for row in read_rows(path, Found)] == [1, 3]
    assert [row.number for row in again.rows] == [1, 3]


def test_a_table_of_another_kind_or_cut_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("name,number\na,1\n")
    with pytest.raises(LotteryError, match="expected the header name,number,value"):
        GrowingTable(path, Found)
    path.write_text("name,number,value\na,1,0.5")
    with pytest.raises(LotteryError, match="a whole last line"):
        GrowingTable(path, Found)
    path.write_text("name,number,value\na,x,0.5\n")
    with pytest.raises(LotteryError, match="row 2"):
        GrowingTable(path, Found)
