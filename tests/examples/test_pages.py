"""Pages whose code is complete run as pasted, but for their epochs, and print what they show."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests import fresh

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("prune_in_five_minutes", "find_a_ticket_in_five_minutes", "toolkit", "compaction")
# Not the 50 of the API page, which early stopping ends.
LONG = re.compile(r"(\bepochs=|\"epochs\": (?!50))\d+")


def words(line):
    """Returns the words of a line, without its numbers, which depend on the backend."""
    return " ".join(re.findall(r"[A-Za-z_]{2,}", line))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_pasted(page, tmp_path):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    code = "".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    code, shortened = LONG.subn(r"\g<1>2", code)  # which runs the same code
    assert shortened
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL)).splitlines()
    done = fresh.run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    printed = Counter(map(words, done.stdout.splitlines()))
    assert Counter(map(words, shown)) - printed == Counter()
