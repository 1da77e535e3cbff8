"""Rows keep every bit of every number through their text."""

import math
import random
import struct
from typing import Any

import numpy as np
import pytest

from keras_lottery.records import COLUMNS, KEY, CompactedRow, MetricRow, ResultRow
from keras_lottery.types import Training

from .made_rows import row


def test_the_columns_are_the_documented_ones() -> None:
    assert ",".join(COLUMNS) == (
        "source,task,seed,round,arm,draw,sparsity,kept,prunable,total,flops,steps,seconds,"
        "compile_seconds,metric,value,final_value,best_value,best_step,status"
    )
    assert KEY == ("source", "task", "seed", "round", "arm", "draw")
    assert MetricRow.columns() == (*KEY, "name", "value")


def test_any_float_reads_back_bit_for_bit() -> None:
    draw = random.Random(0)
    for _ in range(2000):
        value = struct.unpack("d", draw.randbytes(8))[0]
        one = row(value=value, final_value=-value)
        other = ResultRow.parse(dict(zip(COLUMNS, one.texts(), strict=True)))
        assert struct.pack("d", other.value) == struct.pack("d", value) or math.isnan(value)


def test_numpy_scalars_are_written_as_numbers() -> None:
    one = row(value=np.float64(0.1), kept=np.int64(7), best_value=np.float32(0.5))
    other = ResultRow.parse(dict(zip(COLUMNS, one.texts(), strict=True)))
    assert (other.value, other.kept, other.best_value) == (0.1, 7, 0.5)


def test_a_row_knows_its_training_and_what_remains() -> None:
    one = row(seed=3, round=2, arm="reinit", draw=1, source="cifar10a", kept=640)
    assert one.training == Training("cifar10a", "vision", 3, 2, "reinit", 1)
    assert one.remaining == 0.64
    assert row(prunable=0, kept=0).remaining == 1.0


def test_a_row_without_a_status_is_finished() -> None:
    texts = dict(zip(COLUMNS, row(status="diverged").texts(), strict=True))
    assert not ResultRow.parse(texts).finished
    del texts["status"]
    assert ResultRow.parse(texts).finished


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("seed", "x"),
        ("kept", "1.5"),
        ("value", ""),
        ("value", " 0.5"),
        ("value", "1_0.5"),
        ("value", "٠.٥"),
        ("value", "0,5"),
        ("status", "lost"),
    ],
)
def test_a_cell_of_another_type_is_an_error(column: str, text: str) -> None:
    texts = dict(zip(COLUMNS, row().texts(), strict=True))
    with pytest.raises(ValueError):
        ResultRow.parse({**texts, column: text})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sparsity": 0.1}, "a sparsity of 0.5"),
        ({"sparsity": math.nan}, "a sparsity of 0.5"),
        ({"kept": 5}, "a sparsity of 0.995"),
        ({"value": 0.5}, "the final or the best"),
        ({"value": math.nan, "final_value": math.nan}, "finite"),
        ({"best_value": math.inf}, "finite"),
        ({"kept": 1001, "sparsity": 0}, "kept ≤ prunable"),
    ],
)
def test_a_row_agrees_with_itself(changes: dict[str, float], said: str) -> None:
    half = {"kept": 500, "sparsity": 0.5}
    assert not row(**half).problem() and not row(**half, value=0.91).problem()
    assert not row(**half, status="diverged", value=math.nan).problem()
    assert said in row(**half | changes).problem()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"parameters": 0}, "expected parameters above 0, not 0"),
        ({"dense_flops": -1}, "expected dense_flops above 0, not -1"),
        ({"seconds_32": math.inf}, "expected seconds_32 above 0, not inf"),
        ({"dense_seconds_1": math.nan}, "expected dense_seconds_1 above 0, not nan"),
    ],
)
def test_sizes_and_times_of_compacted_tickets_are_above_0(
    changes: dict[str, float], said: str
) -> None:
    names = [name for name in CompactedRow.columns() if name not in KEY]
    fields: dict[str, Any] = dict.fromkeys(names, 1) | changes
    one = CompactedRow("", "vision", 0, 1, "winning", 0, **fields)
    assert one.problem() == said
    assert one.training == Training("", "vision", 0, 1, "winning")
