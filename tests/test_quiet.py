"""TensorFlow's start-up messages stay off the terminal; everything else is printed."""

import os
import subprocess
import sys
from pathlib import Path

import keras_lottery
from keras_lottery import quiet

MODULE = r"""
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\n")
os.write(2, b"I0000 00:00:1795946662.509444   18200 port.cc:153] oneDNN is on.\n")
os.write(2, b"a warning of another library\n")
"""


def test_the_import_is_quiet_and_other_lines_are_printed(tmp_path):
    (tmp_path / "tensorflow.py").write_text(MODULE)
    code = "import keras_lottery, tensorflow"
    root = Path(keras_lottery.__file__).parents[1]
    shown = {}
    for level in ("3", "0"):
        environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "TF_CPP_MIN_LOG_LEVEL": level}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, check=True
        )
        shown[level] = done.stderr
    assert shown["3"] == "a warning of another library\n"
    assert "oneDNN is on" in shown["0"]


def test_an_import_that_fails_prints_what_it_printed(capfd):
    try:
        with quiet.muted():
            os.write(2, b"E0000 00:00:1.0 1 x.cc:1] broken\nreason\n")
            raise ImportError("broken")
    except ImportError:
        pass
    assert capfd.readouterr().err == "reason\n"
