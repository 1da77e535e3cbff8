"""The run folder: its lock, the contents of config.json, and runs that must not be mixed."""

import json
import os

import pytest

from keras_lottery.config import freeze, presets
from keras_lottery.engine.result_changes import RESULTS_VERSION, checked_version
from keras_lottery.engine.run_folder import held, write_config
from keras_lottery.engine.run_writer import RunWriter
from keras_lottery.errors import LotteryError
from keras_lottery.records import load_config
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.types import VariableInfo
from tests.engine.made import MadeTask, made, of, result
from tests.engine.small import config


def record(paths):
    return json.loads(paths.config.read_text())


def edit(paths, change):
    found = record(paths)
    change(found)
    paths.config.write_text(json.dumps(found))


def test_the_lock_is_no_link_and_what_a_link_points_to_is_left_alone(tmp_path):
    paths, target = RunPaths(tmp_path / "run"), tmp_path / "precious"
    paths.root.mkdir()
    target.write_text("kept")
    (paths.root / ".lock").symlink_to(target)
    with pytest.raises(LotteryError, match="a symbolic link"), held(paths):
        pass
    assert target.read_text() == "kept"
    target.unlink()  # a link to nothing would make a file there
    with pytest.raises(LotteryError, match="a symbolic link"), held(paths):
        pass
    assert not target.exists()


def test_a_file_under_the_name_of_the_lock_keeps_its_content(tmp_path):
    paths, target = RunPaths(tmp_path / "run"), tmp_path / "precious"
    paths.root.mkdir()
    target.write_text("kept")
    os.link(target, paths.root / ".lock")
    with held(paths):
        paths.results.write_text("")
    assert target.read_text() == "kept"


def test_a_folder_is_held_once_and_again_after_its_release(tmp_path):
    paths = RunPaths(tmp_path / "run")
    with held(paths):
        paths.results.write_text("")
        with pytest.raises(LotteryError, match="another process has locked"), held(paths):
            pass
    with held(paths):
        pass
    assert paths.results.exists()


def test_a_folder_in_which_nothing_was_written_is_removed(tmp_path):
    paths = RunPaths(tmp_path / "run")
    with pytest.raises(KeyError), held(paths):
        raise KeyError
    assert not paths.root.exists()


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_folder_that_is_moved_while_it_is_held_is_not_made_again(tmp_path, is_removed):
    files = made(tmp_path, seeds=(0,))
    paths = files._paths
    with pytest.raises(LotteryError, match="moved or removed") as caught, held(paths):
        written = RunWriter(files.config, paths, MadeTask())
        paths.root.rename(tmp_path / "moved")
        if is_removed:
            (tmp_path / "moved").rename(tmp_path / "further")
        written.write(*result(of(1, 0)))
    assert "\n" not in str(caught.value)
    assert not paths.root.exists()


def test_nothing_is_written_through_a_link_to_elsewhere(tmp_path):
    files = made(tmp_path / "out", seeds=(0,))
    outside = tmp_path / "outside"
    outside.mkdir()
    (files._paths.root / "seed_1").symlink_to(outside)
    settings = config(tmp_path / "out", seeds=[0, 1], arms=["winning"])
    write_config(files._paths, settings, MadeTask())
    with pytest.raises(LotteryError, match="inside the run folder"):
        RunWriter(settings, files._paths, MadeTask()).write(*result(of(1, 0)))
    assert not list(outside.iterdir())


def test_config_json_names_the_seeds_rounds_arms_and_draws_of_all_calls(tmp_path):
    one = config(tmp_path, seeds=[3, 1], prune__rounds=4, arms=["winning", "reinit"], draws=3)
    other = config(tmp_path, seeds=[0, 1], prune__rounds=2, arms=["winning", "one_shot"])
    paths = paths_of(one)
    assert paths_of(other) == paths
    for call in (one, other):
        write_config(paths, call, MadeTask())
    found = record(paths)["config"]
    assert sorted(found["seeds"]) == [0, 1, 3]
    assert sorted(found["arms"]) == ["one_shot", "reinit", "winning"]
    assert (found["prune"]["rounds"], found["draws"]) == (4, 3)
    assert record(paths)["hash"] == paths.root.name.rpartition("-")[2]


def test_an_arm_is_limited_to_rounds_only_where_every_call_limits_it(tmp_path):
    calls = [{"reinit": (1,), "one_shot": (2,)}, {"reinit": (3,)}]
    for number, rounds in enumerate(calls):
        settings = config(tmp_path, prune__rounds=3, arms=["winning", "reinit", "one_shot"],
                          prune__arm_rounds=rounds)  # fmt: skip
        write_config(paths_of(settings), settings, MadeTask())
        found = record(paths_of(settings))["config"]["prune"]["arm_rounds"]
        assert found == ({"reinit": [1], "one_shot": [2]}, {"reinit": [1, 3]})[number]


def test_a_call_with_fewer_seeds_leaves_the_other_rows_where_they_belong(tmp_path):
    made(tmp_path, seeds=(0, 1))
    assert RunWriter(*_opened(tmp_path, seeds=[0])).done() >= {of(1, 0), of(1, 2)}


def test_a_config_of_an_older_version_takes_the_seeds_of_the_rows(tmp_path):
    files = made(tmp_path, seeds=(0, 1), rounds=2)
    edit(files._paths, lambda found: found.pop("results_version"))
    edit(files._paths, lambda found: found["config"].update(seeds=[0]))
    edit(files._paths, lambda found: found["config"]["prune"].update(rounds=1))
    RunWriter(*_opened(tmp_path, seeds=[0], prune__rounds=1))
    found = record(files._paths)["config"]
    assert (sorted(found["seeds"]), found["prune"]["rounds"]) == ([0, 1], 2)


def _opened(out, **fields):
    settings = config(out, arms=["winning"], **fields)
    paths = paths_of(settings)
    write_config(paths, settings, MadeTask())
    return settings, paths, MadeTask()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("vision,1,2,winning", "vision,7,2,winning", "row 7.*seeds 0, 1.*'7'"),
        ("vision,1,2,winning", "vision,1,99,winning", "row 7.*'99'"),
        ("vision,1,2,winning", "vision,1,-1,winning", "row 7.*-1"),
        ("vision,1,2,winning", "vision,1,2,nonsense", "row 7.*'nonsense'"),
        ("vision,1,2,winning,0", "vision,1,2,winning,5", "row 7.*draw.*'5'"),
        ("vision,1,2,winning", f"vision,{'9' * 400},2,winning", "row 7.*18 digits"),
        ("vision,1,2,winning", "vision,nan,2,winning", "row 7.*nan"),
        ("vision,1,2,winning", "vision,1,2,win\0ning", "row 7.*NUL"),
        ("vision,1,2,winning", ",1,2,winning", "row 7"),
        (",24,24,24,48,30", ",25,24,24,48,30", "row 2.*kept ≤ prunable"),
        (",accuracy,0.5", f",accuracy,{'9' * 400}", "row 2.*64 bits"),
        ("accuracy", "loss", "row 2.*accuracy"),
    ],
)
def test_rows_that_do_not_belong_are_refused_with_their_number(tmp_path, old, new, said):
    files = made(tmp_path)
    results = files._paths.results
    text = results.read_text()
    assert old in text
    results.write_text(text.replace(old, new))
    with pytest.raises(LotteryError, match=said) as caught:
        RunWriter(files.config, files._paths, MadeTask())
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    with pytest.raises(LotteryError, match=said):
        write_config(files._paths, files.config, MadeTask())


def begun(out, version, **fields):
    """Makes a run whose config.json names an older results version, or None for none."""
    files = made(out, seeds=(0,), rounds=1, **fields)
    edit(files._paths, lambda found: found.update(results_version=version))
    if version is None:
        edit(files._paths, lambda found: found.pop("results_version"))
    return files


@pytest.mark.parametrize("version", [None, 0, 1])
def test_a_run_resumes_if_no_later_fix_changed_its_results(tmp_path, version, recwarn):
    files = begun(tmp_path, version)
    _opened(tmp_path, seeds=[0, 1], prune__rounds=2)
    assert record(files._paths)["results_version"] == RESULTS_VERSION
    assert not recwarn
    # What a fix changed was not there before: nothing is mixed.
    later = config(tmp_path, seeds=[0], prune__rounds=1, arms=["winning", "init_grasp_shuffled"])
    write_config(files._paths, later, MadeTask())
    edit(files._paths, lambda found: found.update(results_version=1))
    with pytest.raises(LotteryError, match=r"GraSP.*Start a new folder"):
        write_config(files._paths, files.config, MadeTask())


@pytest.mark.parametrize("version", [None, 1])
@pytest.mark.parametrize(
    "fields", [{"prune__criterion": "grasp"}, {"arms": ["winning", "init_grasp_reinit"]}]
)
def test_results_of_before_a_fix_are_not_mixed_with_later_ones(tmp_path, version, fields):
    settings = config(tmp_path, **{"arms": ["winning"], **fields})
    paths = paths_of(settings)
    write_config(paths, settings, MadeTask())
    write_config(paths, settings, MadeTask())
    edit(paths, lambda found: found.update(results_version=version or 0))
    if version is None:
        edit(paths, lambda found: found.pop("results_version"))
    before = paths.config.read_bytes()
    with pytest.raises(LotteryError, match=r"GraSP scores with a temperature.*--out") as caught:
        write_config(paths, settings, MadeTask())
    assert "\n" not in str(caught.value)
    assert paths.config.read_bytes() == before
    assert load_config(paths)[0].arms == settings.arms  # reports and exports read it


def test_a_fix_that_may_concern_the_users_own_files_is_a_warning(tmp_path):
    fields = {"data__name": "arrays", "data__path": "own.npz"}
    files = begun(tmp_path, None, **fields)
    with pytest.warns(UserWarning, match="images of 16 bits.*start a new folder"):
        write_config(files._paths, files.config, MadeTask())
    assert record(files._paths)["results_version"] == RESULTS_VERSION  # of what comes now
    write_config(files._paths, files.config, MadeTask())


def test_a_fix_that_may_concern_the_network_is_a_warning(tmp_path, recwarn):
    files = begun(tmp_path, 2, prune__pattern="channels", prune__criterion="taylor")
    write_config(files._paths, files.config, MadeTask())
    (said,) = [str(warning.message) for warning in recwarn]
    assert "within a channel once" in said
    assert "files, code or network, start a new folder" in said


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("yu2019/control:cartpole_small", {}, "target network of a DQN"),
        ("quickstart", {"optimizer.schedule": "cosine", "rewind.mode": "fine_tune"}, "last step"),
    ],
)
def test_runs_of_before_the_fifth_version(tmp_path, name, fields, said):
    with pytest.raises(LotteryError, match=said):
        checked_version({"results_version": 4}, presets.frozen(name, fields), tmp_path)
    unconcerned = presets.frozen("quickstart", {})
    assert checked_version({"results_version": 4}, unconcerned, tmp_path) == RESULTS_VERSION


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("yu2019/control:cartpole_ppo_small", {}, "PPO bootstraps"),
        ("yu2019/control:cartpole", {"data.epoch_unit": "games"}, "as many games"),
        ("frankle2020/instability:small_cnn_digits", {}, "averaged networks"),
        ("zhou2019/supermasks:conv2", {"options.validation_examples": 500}, "held-out images"),
    ],
)
def test_runs_of_before_the_sixth_version(tmp_path, name, fields, said):
    with pytest.raises(LotteryError, match=said):
        checked_version({"results_version": 5}, presets.frozen(name, fields), tmp_path)


def test_a_run_on_torch_resumes_with_a_warning_that_its_rounding_has_changed(tmp_path, recwarn):
    settings = {"name": "a", "task": "vision", "arms": ["winning"]}
    for backend, warnings in (("jax", 0), ("torch", 1)):
        found = freeze(settings | {"backend": backend})
        assert checked_version({"results_version": 3}, found, tmp_path) == RESULTS_VERSION
        assert len(recwarn) == warnings
    assert "on torch, Adam, convolutions, LSTM and GRU round" in str(recwarn.pop().message)


def test_more_channels_of_transformers_can_be_pruned_than_before(tmp_path):
    bert = freeze(
        {"name": "a", "task": "bert", "prune": {"pattern": "channels"}, "arms": ["winning"]}
    )
    with pytest.warns(UserWarning, match="through group normalization"):
        checked_version({"results_version": 2}, bert, tmp_path)


def test_a_run_of_a_newer_version_is_refused(tmp_path):
    files = begun(tmp_path, RESULTS_VERSION + 1)
    with pytest.raises(LotteryError, match="from a newer keras-lottery"):
        write_config(files._paths, files.config, MadeTask())


def test_a_run_whose_network_has_become_another_one_is_not_continued(tmp_path):
    files = made(tmp_path)

    class Grown(MadeTask):
        def variables(self):
            return [*super().variables(), VariableInfo("bias", (6,), prunable=False)]

    with pytest.raises(LotteryError, match=r"24 prunable weights of 24\. Received: 24 of 30"):
        write_config(files._paths, files.config, Grown())


@pytest.mark.parametrize(
    "config_",
    [
        {}, {"task": ["vision"]}, {"task": "vision", "data": 3}, {"task": "vision", "study": []},
        {"task": "vision", "name": "x", "prune": {"rate": 10**400}},
    ],
)  # fmt: skip
def test_a_config_that_is_none_is_one_line(tmp_path, config_):
    config(tmp_path)  # registers the tasks
    (tmp_path / "config.json").write_text(json.dumps({"config": config_}))
    with pytest.raises(LotteryError) as caught:
        load_config(RunPaths(tmp_path))
    assert "\n" not in str(caught.value)
