"""The page of `benchmarks.what_you_get`: its data, and the decisions computed from them."""

from dataclasses import replace

import pytest

from benchmarks.peers.tfmot import table
from benchmarks.what_you_get_page import Results, Row, content, read, write
from keras_lottery.report.document import Bullets, Table


def row(pattern, sparsity, form, bytes, gzipped, one, many, accuracy=None):
    """A row whose dense SavedModel takes a millisecond."""
    times = {"1": one, "32": many}
    return Row(
        "N", pattern, sparsity, form, bytes, gzipped, accuracy, times, times, of_saved_model=times
    )


def results(*accuracies):
    dense, tenth, half = accuracies or (None, None, None)
    return Results(
        (
            row("dense", 0.0, "saved_model", 1000, 900, 1.0, 1.0, dense),
            row("weights", 0.9, "saved_model", 1000, 100, 1.0, 1.0, tenth),
            row("weights", 0.9, "packed", 120, 110, 1.0, 1.0, tenth),
            row("weights", 0.99, "packed", 20, 18, 1.0, 1.0, 0.2 if accuracies else None),
            row("channels", 0.5, "saved_model", 300, 280, 0.6, 0.5, half),
            Row("N", "channels", 0.5, "onnx", error="It has no such operation."),
        ),
        {"N": "Random."},
        {"N": {"processor": "P", "load at the start": "0.1"}},
    )


def decisions(found):
    tables = [block for block in content(found) if isinstance(block, Table)]
    return {line[0]: line[1] for line in tables[-1].rows}


def test_decisions_are_the_smallest_and_the_fastest():
    chosen = decisions(results())
    assert chosen["smallest file"] == "90% of weights, `packed` (0.12)"
    assert chosen["smallest download (gzipped)"] == "90% of weights, `saved_model` (0.11)"
    assert chosen["lowest latency, batch 1"] == "50% of channels, `saved_model` (0.6)"
    assert chosen["lowest latency, batch 32"] == "50% of channels, `saved_model` (0.5)"


def test_a_trained_network_keeps_its_accuracy():
    chosen = decisions(results(0.9, 0.895, 0.8))
    assert chosen["smallest file"] == "90% of weights, `packed` (0.12)"
    assert chosen["lowest latency, batch 1"].startswith("dense")


def test_latencies_that_vary_too_much_decide_nothing():
    found = results()
    noisy = replace(found.rows[-2], interval={"1": [0.3, 0.9], "32": [0.4, 0.5]})
    chosen = decisions(replace(found, rows=(*found.rows[:-2], noisy)))
    assert not chosen["lowest latency, batch 1"].startswith("50% of channels")
    assert chosen["lowest latency, batch 32"].startswith("50% of channels")


def test_formats_that_gain_nothing_from_scattered_zeros():
    large, slow = next(block for block in content(results()) if isinstance(block, Bullets)).items
    assert large.endswith(": `saved_model`.") and slow.endswith(": `saved_model`, `packed`.")


def test_data_are_read_again_and_dropped_with_other_data_sets(tmp_path):
    page = tmp_path / "page.md"
    write(page, results())
    assert read(page) == results()
    assert "no [1]" in page.read_text("utf-8")
    assert "1. It has no such operation." in page.read_text("utf-8")
    assert read(page).about_network("N", "Random.").has("N", "weights", 0.9)
    assert not read(page).about_network("N", "Trained.").has("N", "weights", 0.9)


def test_the_table_against_tfmot_has_medians():
    rows = [
        {
            "kernel_sparsity": 0.9,
            "short_of_target": 23,
            "accuracy": accuracy,
            "step_milliseconds": 2.0,
            "gzipped_bytes": 92_000,
        }
        for accuracy in (0.8, 0.9, 0.85)
    ]
    line = table({"TFMOT": rows}, "").splitlines()[2]
    assert line == "| TFMOT | 90.0000% | 23 | 85.0% (80.0 to 90.0) | 2.00 ms | 92 kB |"


@pytest.mark.parametrize("format", ["onnx", "nothing"])
def test_an_artifact_that_was_not_written_is_not_found(format):
    assert results().find("N", "50% of channels", format) is None
