"""The path through the code that CONTRIBUTING.md describes is the one that there is."""

import re
from pathlib import Path

import keras_lottery
from keras_lottery import engine

ROOT = Path(__file__).parents[1]
FILE = re.compile(r"`([\w/]+/[\w/]*\w\.py)`")
STEP = re.compile(r"^\d+\. `(?P<file>[\w/]+\.py)`, `(?P<function>\w+)`:", re.MULTILINE)


def test_every_step_from_the_command_to_the_row_exists():
    steps = STEP.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert 10 <= len(steps) <= 14
    for file, function in steps:
        assert re.search(rf"def {function}\(", (ROOT / file).read_text(encoding="utf-8")), file


def test_every_file_that_is_named_exists():
    files = FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    roots = (ROOT, ROOT / "keras_lottery")
    assert len(files) > 20
    assert [file for file in files if not any((root / file).is_file() for root in roots)] == []


def test_every_public_name_that_a_guide_uses_exists():
    guides = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("[!r]*/*.md")]
    guides += (ROOT / "docs").glob("*.md")
    text = "\n".join(guide.read_text(encoding="utf-8") for guide in guides)
    for prefix, module in (("kl", keras_lottery), ("engine", engine)):
        names = set(re.findall(rf"(?<![\w.]){prefix}\.([A-Za-z_]+)\b(?!\.py)", text))
        assert names and names <= set(module.__all__), prefix
