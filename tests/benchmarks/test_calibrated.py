"""The study of calibrated pruning: its table, its page, and every method on a tiny network."""

import numpy as np
import pytest

pytest.importorskip("keras_hub")

from benchmarks import calibrated, calibrated_page
from benchmarks.calibrated_page import BY_OUTPUT, DENSE, MAGNITUDE, METHODS, WANDA, Row


def made_rows():
    values = {DENSE: (10, 12, 14), MAGNITUDE: (20, 22, 24), WANDA: (18, 19, 20)}
    values[BY_OUTPUT] = (19, 20, 21)
    rows = [
        Row(seed, method, "0" if method == DENSE else "0.6", float(value))
        for method, by_seed in values.items()
        for seed, value in enumerate(by_seed)
    ]
    return rows[::-1]


def test_the_page_has_means_with_intervals_and_paired_differences(tmp_path):
    page = calibrated_page.write(tmp_path, made_rows(), "About.")
    assert calibrated_page.read(tmp_path) == sorted(made_rows(), key=lambda row: row.seed)
    text = page.read_text()
    # Mean 22, standard error 2 / √3, t = 4.303; the differences are -2, -3, -4.
    assert "| magnitude, per kernel | 22.00 [17.03, 26.97] |" in text
    assert "| Wanda | 19.00 [16.52, 21.48] |" in text
    assert "| Wanda | -3.00 [-5.48, -0.52] |" in text
    assert "| Wanda − magnitude, per output | -1.00 [-1.00, -1.00] |" in text
    assert text.count("n = 3") == 2 and "About." in text


def test_windows_predict_the_next_word():
    x, y = calibrated.windows(np.arange(8), 3)
    assert x["token_ids"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert y.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_every_method_prunes_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(calibrated.kl, "fit", lambda *args, **settings: None)  # it takes longest
    calibrated.measure("", [0], tmp_path, calibrated.QUICK)
    rows = calibrated_page.read(tmp_path)
    assert {row.method for row in rows} == {DENSE, *METHODS}
    # Global pruning and Wanda by kernel have no 2:4.
    assert len(rows) == 1 + 3 * len(METHODS) - 2
    values = {(row.method, row.target): row.perplexity for row in rows}
    assert np.isfinite(list(values.values())).all()
    # Groups of 4 lie within an output, so both kinds of magnitude keep the same; no others do.
    assert values.pop((BY_OUTPUT, "2:4")) == values[MAGNITUDE, "2:4"]
    assert len(set(values.values())) == len(values)
    calibrated.measure("", [0], tmp_path, calibrated.QUICK)  # nothing is measured again
    assert calibrated_page.read(tmp_path) == rows


def test_bad_input_is_one_line(tmp_path, capsys):
    assert calibrated.main([f"--data-dir={tmp_path}", f"--out={tmp_path}"]) == 2
    assert calibrated.main(["--seeds=a", f"--out={tmp_path}"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2 and lines[0].startswith("calibrated: Expected a text file")
