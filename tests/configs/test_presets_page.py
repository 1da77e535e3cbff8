"""The page of presets in docs/results is the one that the configs give."""

import pytest

from benchmarks import presets_table


@pytest.mark.tensorflow  # it builds deep networks in half of JAX's time
def test_the_page_is_current():
    written = presets_table.PAGE.read_text(encoding="utf-8")
    assert written == presets_table.page(), "make it again: python -m benchmarks.presets_table"
