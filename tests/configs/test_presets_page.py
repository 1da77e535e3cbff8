"""The page of presets in docs/results is the one that the configs give."""

import subprocess
import sys
from pathlib import Path


def test_the_page_is_current():
    command = [sys.executable, "-m", "benchmarks.presets_table", "--check"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
