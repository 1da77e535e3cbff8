"""The report of an export counts correctly."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_lottery.exporters.report import ExportReport, Measured, StoredVariable


def made_report() -> ExportReport:
    kernel = StoredVariable.of(
        "layers/dense/kernel", np.array([[1.0, 0.0], [0.0, -0.0]], "float32")
    )
    bias = StoredVariable.of("layers/dense/bias", np.zeros(2, "float32"))
    return ExportReport(
        path=Path("some/where"),
        format="saved_model",
        bytes=48,
        gzipped_bytes=12,
        plain_bytes=24,
        max_abs_difference=1e-7,
        tolerance=1e-4,
        inputs={"inputs": "(None, 2) float32"},
        outputs=("outputs",),
        variables=(StoredVariable(**(vars(kernel) | {"prunable": True})), bias),
        stored=(6, 5),
        latency={1: 0.5, 32: 3.0},
        dense=Measured(parameters=12, bytes=64, gzipped_bytes=48, latency={1: 1.0, 32: 1.5}),
        notes=("Something else.",),
    )


def test_zeros_are_counted_over_the_prunable_and_over_all():
    report = made_report()
    assert (report.prunable_zeros, report.prunable, report.sparsity) == (3, 4, 0.75)
    assert (report.zeros, report.parameters, report.total_sparsity) == (5, 6, 5 / 6)
    assert report.ratio == 2


def test_it_goes_through_json_with_every_variable():
    found = json.loads(json.dumps(made_report().as_json()))
    assert found["sparsity"] == 0.75 and found["path"] == "where"
    assert [v["path"] for v in found["variables"]] == ["layers/dense/kernel", "layers/dense/bias"]


@pytest.mark.parametrize("text", [str(made_report()), made_report().as_markdown()])
def test_it_prints_the_artifact_next_to_the_dense_network(text):
    assert "where" in text and "Something else." in text and "1.0e-07 at most" in text
    cells = {
        row[0]: row[1:]
        for row in (
            [cell.strip() for cell in line.strip("|│").split("│" if "│" in line else "|")]
            for line in text.splitlines()
        )
        if len(row) == 4
    }
    assert cells["zeros in prunable weights"] == ["3", "", "75.00%"]
    assert cells["zeros stored"] == ["5", "", "83.33%"]
    assert cells["bytes"] == ["48", "64", "75.00%"]
    assert cells["bytes gzipped"] == ["12", "48", "25.00%"]
    assert cells["ms at batch 1"] == ["0.5", "1", "50.00%"]
    assert cells["ms at batch 32"] == ["3", "1.5", "200.00%"]


def test_a_variable_is_told_from_one_that_differs_in_a_bit():
    one = np.array([1.0, 2.0], "float32")
    assert StoredVariable.of("w", one) == StoredVariable.of("w", one.copy())
    assert StoredVariable.of("w", one) != StoredVariable.of("w", np.nextafter(one, np.float32(9)))
    assert StoredVariable.of("w", one).nbytes == 8


def test_half_precision_is_compared_by_its_values():
    half = np.array([1.0, 0.0], "float16")
    same = StoredVariable.of("w", half.astype("float32"), "float16")
    assert StoredVariable.of("w", half) == same
    assert same.nbytes == 4 and same.zeros == 1
