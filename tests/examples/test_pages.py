"""Pages whose code is complete run as pasted, and print what they show."""

import re
from pathlib import Path

import pytest

from tests import fresh

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("prune_in_five_minutes", "find_a_ticket_in_five_minutes", "toolkit", "compaction")


def label(line):
    """Returns the first words of a line of output, which don't depend on the backend."""
    return re.match(r"[^\d(]*", line)[0].strip(" │┃")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_pasted(page, tmp_path):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    code = "".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL)).splitlines()
    done = fresh.run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    printed = {label(line) for line in done.stdout.splitlines()}
    assert [line for line in shown if label(line) not in printed] == []
