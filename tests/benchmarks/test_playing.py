"""The animated picture: as many frames as the longer game needs, and a file of modest size."""

import os

import numpy as np
from PIL import Image

from benchmarks.playing import EVERY, main, write


def test_the_picture_shows_both_games_to_their_ends(tmp_path):
    balanced = np.zeros((401, 4), np.float32)
    falling = np.linspace(0, 0.2, 21)[:, None] * np.array([1, 0, 1, 0], np.float32)
    out = tmp_path / "playing.gif"
    write({"dense": balanced, "pruned": falling.astype(np.float32)}, out)
    with Image.open(out) as picture:
        assert picture.size == (540, 160)
        last = -(-401 // EVERY) - 1
        shown = 0
        while shown < picture.n_frames - 1:
            shown += 1
            picture.seek(shown)
        assert 0 < shown <= last
    assert out.stat().st_size < 1_000_000


def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path, capsys, monkeypatch):
    for name in ("KERAS_BACKEND", "TF_USE_LEGACY_KERAS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # restored at the end
    assert main(["--run", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
