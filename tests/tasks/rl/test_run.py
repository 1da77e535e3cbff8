"""An experiment with an agent: its files, resuming, and the errors it raises."""

import csv
import os
import subprocess
import sys
from types import SimpleNamespace

import gymnasium
import pytest

from keras_lottery import engine, user_modules
from keras_lottery.config import freeze, thaw
from keras_lottery.engine import measure
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import export_run
from keras_lottery.report import build
from keras_lottery.tasks.rl import needs
from keras_lottery.tasks.rl.dqn import Dqn
from keras_lottery.tasks.rl.environments import environments
from keras_lottery.tasks.rl.environments.registry import Kind
from tests.tasks.rl.made import Counting, config

TIMES = ("seconds", "compile_seconds")
ARMS = ("winning", "reinit", "permuted_layer", "permuted_global", "one_shot", "winning_init")


def rows(folder):
    with (folder / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def contents(folder):
    found = {"results": rows(folder), "metrics": (folder / "metrics.csv").read_bytes()}
    for path in sorted(folder.glob("seed_*/**/*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def at(out, **fields):
    return freeze(thaw(config()) | {"out": str(out)} | fields)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return engine.run(at(tmp_path_factory.mktemp("whole"), arms=ARMS))


def test_every_arm_is_trained_at_every_level(whole):
    found = rows(whole)
    assert [(r["round"], r["arm"]) for r in found[:2]] == [("0", "dense"), ("1", "winning")]
    assert len(found) == 1 + 2 * len(ARMS)
    total = 4 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2
    assert {int(r["kept"]) for r in found} == {total, total // 2, total // 2 - total // 4}
    assert {r["metric"] for r in found} == {"return"}
    with (whole / "metrics.csv").open() as file:
        assert {"greedy_return", "frames", "games"} <= {r["name"] for r in csv.DictReader(file)}


def test_the_estimated_time_includes_learning(tmp_path, monkeypatch):
    clock = SimpleNamespace(seconds=0.0)

    def learn(self, steps, *rest):
        if self._replay.ready(self.config.learning_starts):
            clock.seconds += 0.01 * steps

    monkeypatch.setattr(Dqn, "learn", learn)
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock.seconds)
    model, train = thaw(config())["model"], thaw(config())["train"]
    model["dqn"] |= {"replay": 5000, "learning_starts": 5000}  # more frames than are played
    settings = at(tmp_path, model=model, train=train | {"length": "1000it"}, rewind={"to": "0it"})
    assert measure.mean_seconds(settings, []) == pytest.approx(1000 * 0.01)


def test_a_run_killed_within_a_training_resumes_to_the_same_result(whole, tmp_path, monkeypatch):
    from keras_lottery.tasks.rl.environments.games import Games

    plain, calls = Games.step, []

    def step(self, actions):
        calls.append(1)
        if len(calls) == 1000:
            raise KeyboardInterrupt
        return plain(self, actions)

    monkeypatch.setattr(Games, "step", step)
    with pytest.raises(KeyboardInterrupt):
        engine.run(at(tmp_path, arms=ARMS))
    before = len(rows(next(tmp_path.glob("made-*"))))
    assert 0 < before < len(rows(whole))
    assert contents(engine.run(at(tmp_path, arms=ARMS))) == contents(whole)


def test_its_report_is_drawn(whole):
    assert "winning" in " ".join(build(whole).headline)


def test_an_environment_that_dies_ends_its_training_and_keeps_the_others(tmp_path, monkeypatch):
    died = {"at": -1}

    def make(given, training):
        env = gymnasium.wrappers.TimeLimit(Counting(dies_at=died["at"]), 9)
        return gymnasium.wrappers.TransformObservation(
            env, lambda x: x.astype("float32"), gymnasium.spaces.Box(0, 255, (2,))
        )

    if "counting" not in environments:
        environments.add("counting", Kind(make, time_limit=9))
    settings = at(tmp_path, data=thaw(config())["data"] | {"name": "counting"})
    from keras_lottery.tasks.rl.task import RLTask

    plain = RLTask.fit

    def fit(self, training, *rest):
        if training.round == 1:
            for env in self._games._envs:
                env.unwrapped.dies_at = 5
        return plain(self, training, *rest)

    monkeypatch.setattr(RLTask, "fit", fit)
    with pytest.raises(LotteryError, match="RuntimeError: the game broke into two Finished"):
        engine.run(settings)
    folder = next(tmp_path.glob("made-*"))
    assert [row["arm"] for row in rows(folder)] == ["dense"]
    monkeypatch.undo()
    assert len(rows(engine.run(settings))) == 3


GAMES = """
import gymnasium

class Coin(gymnasium.Env):
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2, start=1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.side = int(self.np_random.integers(2))
        return self.side, {}

    def step(self, action):
        return self.side, float(action == self.side + 1), True, False, {}
"""


def test_a_module_that_a_config_names_is_imported_by_a_run_and_not_by_an_export(
    tmp_path, monkeypatch
):
    (tmp_path / "made_coin.py").write_text(GAMES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(user_modules, "_allowed", set())
    data = thaw(config())["data"] | {"name": "made_coin:Coin", "time_limit": 5}
    folder = engine.run(at(tmp_path / "runs", data=data, arms=("dense",), keep_trained=("dense",)))
    assert len(rows(folder)) == 1
    sys.modules.pop("made_coin")
    monkeypatch.setattr(user_modules, "_allowed", set())
    with pytest.raises(LotteryError, match="a module that you named yourself"):
        export_run(folder, tmp_path / "model.keras", "keras", round=0)
    assert "made_coin" not in sys.modules


def test_observations_that_are_categories_are_learned_from(tmp_path):
    data = thaw(config())["data"] | {"name": "FrozenLake-v1"}
    folder = engine.run(at(tmp_path, data=data, arms=("dense",)))
    total = 16 * 8 + 8 + 8 * 8 + 8 + 8 * 4 + 4
    assert {row["total"] for row in rows(folder)} == {str(total)}


def command(*words, **environment):
    given = {k: v for k, v in os.environ.items() if k not in ("TF_USE_LEGACY_KERAS",)}
    given |= {"KERAS_BACKEND": "tensorflow", **environment}
    return subprocess.run(
        [sys.executable, "-m", "keras_lottery", *words],
        capture_output=True,
        text=True,
        env=given,
        check=False,
    )


def test_another_backend_ends_with_code_2():
    done = command("run", "--config=yu2019/control:cartpole_small", "--backend=jax")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Add --backend=tensorflow" in done.stderr


def test_the_command_line_prepares_tensorflow_by_itself(tmp_path):
    fields = ("train.length=40it", "train.eval_every=20", "rewind.to=10it", "prune.rounds=1")
    done = command(
        "run",
        "--config=yu2019/control:cartpole_small",
        f"--out={tmp_path}",
        "--seeds=0",
        "--report=false",
        "--config.arms=winning",
        '--config.train.jit="false"',
        "--config.data.eval_games=1",
        *(f"--config.{one}" for one in fields),
        KERAS_BACKEND="jax",  # `auto` takes the backend that the task needs
    )
    assert done.returncode == 0, done.stderr
    folder = next(tmp_path.iterdir())
    assert len(rows(folder)) == 2


def test_tensorflow_imported_too_early_is_said(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.keras.Model, "__module__", "keras.src.models.model")
    with pytest.raises(LotteryError, match="Set TF_USE_LEGACY_KERAS=1"):
        needs.check()


def test_a_missing_extra_names_the_install_command(monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "tf_agents" else object())
    with pytest.raises(LotteryError, match=r"pip install '\.\[rl\]'"):
        needs.check()


def test_an_agent_that_diverges_is_recorded_and_the_run_ends(tmp_path):
    wild = thaw(config())["optimizer"] | {"learning_rate": 1e30}
    settings = at(tmp_path, arms=("winning",), optimizer=wild)
    with pytest.warns(UserWarning, match="Seed 0, round 0, dense diverged"):
        run = engine.run(settings)
    assert [(r["arm"], r["status"]) for r in rows(run)] == [
        ("dense", "diverged"), ("winning", "skipped"), ("winning", "skipped"),
    ]  # fmt: skip
    assert build(run, tensorboard=False).headline[0].startswith("Diverged: seed 0 round 0 `dense`.")
