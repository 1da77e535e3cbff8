"""The paths of a run stay inside its folder, which must not move."""

from pathlib import Path

import pytest

from keras_lottery.config import freeze, presets
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import Place, RunPaths, paths_of
from keras_lottery.types import Training


@pytest.mark.parametrize("changes", [{"arm": "../../x"}, {"arm": "/x"}, {"source": "../x"}])
def test_a_name_that_leads_out_of_the_folder_gives_no_path(changes: dict[str, str]) -> None:
    fields = {"source": "", "task": "vision", "seed": 0, "round": 1, "arm": "winning"} | changes
    training = Training(**fields)  # type: ignore[arg-type]
    with pytest.raises(LotteryError, match="Expected the name of"):
        RunPaths(Path("run")).ticket(training)


def test_a_table_is_named_inside_the_folder() -> None:
    with pytest.raises(LotteryError, match="the name of a table"):
        RunPaths(Path("run")).table(Training("", "vision", 0, 1, "winning"), "../x")


def test_a_folder_that_was_moved_or_replaced_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "run"
    (root / "seed_0").mkdir(parents=True)
    place = Place(root)
    place.check(root / "seed_0" / "x")
    place.check(root / "seed_1" / "round_01" / "x")  # made when it is written
    root.rename(tmp_path / "moved")
    with pytest.raises(LotteryError, match="moved or removed"):
        place.check(root / "seed_0" / "x")
    root.mkdir()
    with pytest.raises(LotteryError, match="moved or removed"):
        place.check(root / "seed_0" / "x")


def test_a_link_to_elsewhere_inside_the_folder_is_noticed(tmp_path: Path) -> None:
    root, outside = tmp_path / "run", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "seed_0").symlink_to(outside)
    (tmp_path / "link").symlink_to(root)
    with pytest.raises(LotteryError, match=r"inside the run folder.*outside"):
        Place(root).check(root / "seed_0" / "round_01" / "x")
    with pytest.raises(LotteryError, match="inside the run folder"):
        Place(root).check(root / ".." / "x")
    Place(tmp_path / "link").check(tmp_path / "link" / "seed_1" / "x")  # the folder may be a link


def test_the_parent_folder_may_be_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    config = freeze(presets.load("quickstart", {"out": "~/runs"}))
    assert paths_of(config).root.parent == tmp_path / "runs"
    with pytest.raises(LotteryError, match="home folder of a known user"):
        paths_of(freeze(presets.load("quickstart", {"out": "~nobody_at_all/runs"})))
