"""A config names its study, which decides its options, its run and its page."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from keras_lottery import config as configs
from keras_lottery import report, studies
from keras_lottery.config import presets
from keras_lottery.errors import LotteryError
from keras_lottery.report.content import Content, add_settings
from keras_lottery.report.document import Heading, Table
from keras_lottery.report.study_page import StudyPage


@dataclass(frozen=True)
class Options:
    """One number."""

    number: int = 1

    def problems(self):
        if self.number < 0:
            yield f"number: expected 0 or more. Received: {self.number}"


def ran(config):
    root = Path(config.out) / "made"
    root.mkdir(parents=True)
    (root / "config.json").write_text(
        '{"config": {"study": "made", "name": "made"}, "higher_is_better": true}'
    )
    (root / "numbers.csv").write_text(f"number\n{config.options.number}\n")
    return root


def page(run):
    number = (run / "numbers.csv").read_text().split()[1]
    content = Content("made", [f"The number is {number}."])
    content.add(Heading("made", 1), Table("", ["number"], [[number]]))
    add_settings(content, {"study": "made"}, {})
    return content


PAGE = StudyPage(page)


@pytest.fixture(autouse=True)
def made(monkeypatch):
    schema = configs.StudySchema(Options, f"{__name__}:ran", page=f"{__name__}:PAGE")
    monkeypatch.setitem(configs.study_schemas._entries, "made", schema)


def config(out, **fields):
    return configs.freeze(presets.load("quickstart", {"study": "made", "out": str(out)} | fields))


def test_a_study_runs_and_its_page_is_kept_with_its_tables_and_its_row_in_the_index(tmp_path):
    run = studies.run(config(tmp_path, **{"options.number": 7}))
    assert report.build(run).headline == ("The number is 7.",)
    assert "7" in (run / "report" / "report.html").read_text()
    kept = report.write_page(run, "made", tmp_path / "results")
    assert (kept.parent / "numbers.csv").read_text() == "number\n7\n"
    assert (
        "| [made](made/page.md) | The number is 7. | – |"
        in (tmp_path / "results" / "index.md").read_text()
    )


def test_options_are_checked_and_hashed_unless_they_are_the_defaults(tmp_path):
    with pytest.raises(LotteryError, match=r"options.number: expected 0 or more. Received: -1"):
        config(tmp_path, **{"options.number": -1})
    with pytest.raises(LotteryError, match=r"options.numbr"):
        config(tmp_path, **{"options.numbr": 1})
    with pytest.raises(LotteryError, match="study"):
        config(tmp_path, study="mad")
    plain = configs.digest(config(tmp_path))
    assert configs.digest(config(tmp_path, **{"options.number": 1})) == plain
    assert configs.digest(config(tmp_path, **{"options.number": 2})) != plain
