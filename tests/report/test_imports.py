"""The report and the pages of all studies are drawn without a backend."""

import subprocess
import sys

_LOADED = """
import sys
from keras_lottery import report
from keras_lottery.config import study_schemas
from keras_lottery.report.study_page import study_page
import keras_lottery.studies
pages = [study_page(name) for name in study_schemas]
print(len(pages), *sorted({"keras", "tensorflow", "jax", "torch"} & sys.modules.keys()))
"""


def test_the_report_and_every_study_page_need_no_backend():
    command = [sys.executable, "-c", _LOADED]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown.split() == ["6"]
