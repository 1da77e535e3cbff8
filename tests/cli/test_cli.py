"""The command line, as a user types it."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from filelock import Timeout

from keras_lottery import cli, user_modules
from keras_lottery import config as configs
from keras_lottery.cli import commands
from keras_lottery.cli import show as show_command
from keras_lottery.cli.choose import choose_and_import
from keras_lottery.config import TaskSchema, presets, task_schemas
from keras_lottery.engine import run_folder
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import RunPaths
from tests import fresh
from tests.engine.small import settings


def run(*arguments):
    """Runs a command in this process; returns its exit code."""
    return cli.main(["keras-lottery", *arguments])


def overrides(out, **fields):
    return [f"--config.{k}={v!r}" for k, v in settings(out, **fields).items()]


@pytest.fixture(scope="module")
def backend():
    import keras

    return f"--backend={keras.config.backend()}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, backend):
    out = tmp_path_factory.mktemp("runs")
    assert run("run", "--config=quickstart", "--report=false", backend, *overrides(out)) == 0
    (found,) = out.iterdir()
    return found


def one_line(capsys):
    """Returns what was printed on standard error, which must be one line and no traceback."""
    text = capsys.readouterr().err
    lines = text.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("keras-lottery: "), text
    return lines[0]


def test_run_and_report(folder, capsys):
    assert folder.name.startswith("quickstart-")
    assert run("report", f"--run={folder}") == 0
    shown = capsys.readouterr().out
    assert "winning" in shown and "tickets.png" in shown
    assert (folder / "report" / "report.html").stat().st_size > 10_000


def test_show_prints_the_status_and_the_table(folder, capsys):
    assert run("show", f"--run={folder}") == 0
    shown = capsys.readouterr().out
    assert ": finished\n" in shown and " are done, all of them finished" in shown
    assert "winning" in shown and "dense" in shown
    lines = (folder / "results.csv").read_text().splitlines(keepends=True)
    (folder / "results.csv").write_text("".join(lines[:-1]))
    try:
        assert run("show", f"--run={folder}") == 0
        assert "stopped with 1 training left" in capsys.readouterr().out
        with run_folder.held(RunPaths(folder)):
            assert run("show", f"--run={folder}") == 0
        assert ": running, about 0:00:0" in capsys.readouterr().out
    finally:
        (folder / "results.csv").write_text("".join(lines))


@pytest.mark.parametrize(
    ("error", "is_running"),
    [(PermissionError("read-only"), False), (Timeout(".lock"), True)],
    ids=["read-only", "held"],
)
def test_only_a_held_lock_means_running(error, is_running, tmp_path, monkeypatch):
    class Lock:
        def __init__(self, *_, **__): ...

        def acquire(self):
            raise error

    (tmp_path / ".lock").touch()
    monkeypatch.setattr(show_command, "FileLock", Lock)
    assert show_command.is_running(tmp_path) is is_running


@pytest.mark.parametrize("command", ["show", "report", "export"])
def test_folders_may_be_in_the_home_folder(command, tmp_path, monkeypatch):
    seen = []

    def stop(folder, *_, **options):
        seen.extend([folder.root if isinstance(folder, RunPaths) else folder, *options.values()])
        raise LotteryError("Expected to stop here.")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(user_modules, "plugins", dict)
    monkeypatch.setattr(show_command, "load_config", stop)
    monkeypatch.setattr(commands, "show_report", stop)
    monkeypatch.setattr("keras_lottery.exporters.export_run", stop)
    out = ["--out=~/model"] if command == "export" else []
    assert run(command, "--run=~/run", *out) == cli.USAGE_ERROR
    assert seen[0] == tmp_path / "run"
    assert not out or tmp_path / "model" in seen


def test_show_of_a_study_that_has_no_results_yet(tmp_path, capsys):
    settings = presets.load("bragagnolo2022/equilibrium:small_cnn_digits")
    record = {"config": configs.thaw(configs.freeze(settings)), "higher_is_better": True}
    (tmp_path / "config.json").write_text(json.dumps(record))
    with run_folder.held(RunPaths(tmp_path)):
        assert run("show", f"--run={tmp_path}") == 0
    assert capsys.readouterr().out.endswith(": running\nno table yet: nothing is finished\n")


def test_a_dry_run_prints_the_plan_and_writes_nothing(backend, tmp_path, capsys):
    arguments = ["run", "--config=quickstart", "--dry_run", backend, *overrides(tmp_path / "runs")]
    assert run(*arguments) == 0
    shown = capsys.readouterr().out
    assert "trainings of 1 seed: 1 dense, " in shown and "estimated time: 0:0" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_study_estimates_one_training(backend, tmp_path, capsys):
    small = ["--seeds=0", "--config.train.length=40it", "--config.model.hidden=20,10"]
    study = ["--config=quickstart", "--config.study=supermasks", f"--out={tmp_path / 'runs'}"]
    assert run("run", *study, *small, "--dry_run", backend) == 0
    shown = capsys.readouterr().out
    assert "the study 'supermasks' with the seeds 0" in shown
    assert "one training takes about 0:0" in shown and "the study sets how many" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_read_enough_is_no_error(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert run("help") == 0


@pytest.mark.parametrize("width", [40, 80])
def test_tickets_are_listed(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert run("tickets") == 0
    shown = capsys.readouterr().out
    assert "lenet_digits_learning_rate_rewinding " in shown  # in one line, to be copied
    assert "6.9%" in shown and "0.9723" in shown and "95 % t" in shown


def test_help_teaches(capsys):
    assert run() == run("help") == run("--help") == 0
    assert "keras-lottery run --config=quickstart" in capsys.readouterr().out
    for name in cli.COMMANDS:
        assert run(name, "--help") == 0
        shown = capsys.readouterr().out
        assert "Example:" in shown and f"keras-lottery {name}" in shown


def test_list(capsys):
    assert run("list", "arms", "criteria") == 0
    shown = capsys.readouterr().out
    assert "arms:\n  dense  " in shown and "\n  init_permuted  " in shown and "magnitude" in shown


def test_everything_listed_is_described():
    listed = fresh.run("-m", "keras_lottery", "list")  # where no test has registered anything
    assert listed.returncode == 0, listed.stderr
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    assert ["yu2019/atari:breakout", "Breakout on Atari with DQN"] in lines
    assert ["reinit", "Control: the ticket's mask with re-initialized weights."] in lines
    assert all(len(line) == 2 for line in lines if not line[0].endswith(":"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], "Did you mean 'run'"),
        (["run"], "Expected --config"),
        (["run", "--confg=quickstart"], "confg"),
        (["run", "--config=quickstar"], "Did you mean 'quickstart'"),
        (["run", "--config=nowhere.py"], "nowhere.py"),
        (["run", "--config=quickstart", "more"], "'more'"),
        (["run", "--config=quickstart", "--config.prune.rounds"], "field=value"),
        (["run", "--config=quickstart", "--config.prune.round=3"], "prune.rounds"),
        (["run", "--config=quickstart", "--config.prune.rate=1.5"], "above 0 and below 1"),
        (["run", "--config=quickstart", "--config.prune.rate=many"], "expected float"),
        (["run", "--config=quickstart", "--config.data.name=digit"], "'digits'"),
        (["run", "--config=quickstart", "--config.model.name=lenett"], "lenet"),
        (["run", "--config=quickstart", "--config.rewind.to=1000it"], "rewind.to"),
        (["run", "--config=quickstart", "--config.arms=renit"], "Did you mean 'reinit'"),
        (["run", "--config=quickstart", "--config.prune.criterion=magnitud"], "magnitude"),
        (["run", "--config=quickstart", "--config.prune.scope=globl"], "global"),
        (["run", "--config=quickstart", "--config.optimizer.name=adamm"], "known optimizer"),
        (["run", "--config=quickstart", "--backend=theano"], "backend"),
        (["run", "--config=quickstart", "--executor=rays"], "'ray'"),
        (["run", "--config=quickstart", "--ray=head"], "HOST:PORT"),
        (["run", "--config=quickstart", "--ray=127.0.0.1:1"], "Expected a Ray cluster"),
        (["run", "--config=quickstart", "--ray=auto", "--workers=0"], "workers"),
        (["run", "--config=quickstart", "--seeds=a"], "seeds"),
        (["run", "--config=quickstart", "--out=/dev/null/x"], "--out"),
        (
            ["run", "--config=frankle2019/lenet_mnist", "--config.data.dir=/nowhere"],
            "/nowhere",
        ),
        (["report", "--run=/nowhere"], "/nowhere"),
        (["report"], "Expected --run"),
        (["export", "--run=/nowhere", "--out=x"], "/nowhere"),
        (["prune", "--model=/nowhere.keras", "--sparsity=0.5", "--out=x.keras"], "/nowhere"),
        (["export", "--run=a", "--out=x", "--format=onxn"], "Did you mean 'onnx'"),
        (["export", "--run=a", "--out=x", "--format=onnx"], "ends in .onnx"),
        (["prune", "--model=a.keras", "--out=b.keras"], "Expected --sparsity"),
        (
            ["prune", "--model=a", "--sparsity=0.5", "--out=b.keras", "--finetune_epochs=2"],
            "Expected --data",
        ),
        (
            ["prune", "--model=a", "--sparsity=0.5", "--out=b.keras", "--data=none.npz"],
            "a use for --data",
        ),
        (["prune", "--model=/nowhere.keras", "--pattern=2:4", "--out=b.keras"], "/nowhere"),
        (["prune", "--model=a.keras", "--sparsity=x", "--out=b.keras"], "sparsity"),
        (["list", "cats"], "kind"),
        (["list", "scopes", "--import=nowhere.py"], "nowhere.py"),
        (["run", "--config=quickstart", "--import="], "dotted name"),
        (["report", "--run=x", "--import=nowhere_at_all"], "nowhere_at_all"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, words, capsys, tmp_path, backend):
    where = ["--out=" + str(tmp_path), backend] if arguments[0] == "run" else []
    given = {a.split("=")[0] for a in arguments}
    code = run(*arguments, *(w for w in where if w.split("=")[0] not in given))
    assert code == cli.USAGE_ERROR
    assert words in one_line(capsys)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Modules of a user's own by file."""
    monkeypatch.setattr(user_modules, "_flags", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    texts = {
        "made_first": "",
        "made_second": "",
        "made_taken": "from keras_lottery.pruning import criterion\n"
        "criterion('magnitude', needs=())(len)\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    yield {name: tmp_path / f"{name}.py" for name in texts}
    for name in texts:
        sys.modules.pop(name, None)


def test_import_may_be_repeated_and_separated_by_commas(files, capsys):
    first, second = files["made_first"], files["made_second"]
    assert run("list", f"--import={first},{second}", "scopes", f"--import={first}") == 0
    assert "global" in capsys.readouterr().out
    assert list(user_modules.flags()) == ["made_first", "made_second"]


def test_a_name_that_is_taken_is_one_line_with_both_modules(files, capsys):
    assert run("list", "scopes", f"--import={files['made_taken']}") == cli.USAGE_ERROR
    line = one_line(capsys)
    assert "made_taken" in line and "keras_lottery.pruning.criteria" in line


def test_a_task_from_outside_that_needs_another_backend(monkeypatch):
    import keras

    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    other = "torch" if keras.config.backend() != "torch" else "jax"

    def import_named(module):
        schema = TaskSchema(object, object, "made:make", backend=other)
        monkeypatch.setitem(task_schemas._entries, module, schema)

    monkeypatch.setattr(user_modules, "import_named", import_named)
    with pytest.raises(LotteryError, match=f"Set KERAS_BACKEND={other}"):
        choose_and_import({"task": "made_task"}, ["made_task"])


def test_the_module_runs_as_the_command_and_imports_no_backend_for_help():
    code = (
        "import runpy, sys; sys.argv = ['keras-lottery', '--help']\n"
        "try: runpy.run_module('keras_lottery', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'tensorflow', 'jax', 'torch', 'keras'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "keras_lottery", "rum"]
    wrong = subprocess.run(command, capture_output=True, text=True, check=False)
    assert wrong.returncode == cli.USAGE_ERROR
    assert wrong.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_lacks_characters_shows_others(encoding):
    code = (
        "import sys; from keras_lottery import cli\n"
        "cli._dispatch = lambda words: print('0.9 \\u2265 \\U0001f3ab', file=sys.stdout)\n"
        "cli.entry_point()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stdout.split()) == (0, [b"0.9", b"?", b"?"]), done.stderr


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_jax_works_where_tensorflow_is_not_installed(tmp_path):
    # A finder that knows no TensorFlow stands for a machine without it.
    blocker = (
        "import sys\n"
        "class NoTensorFlow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'tensorflow':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, NoTensorFlow())\n"
        "import keras_lottery as kl, keras, numpy as np\n"
        "assert keras.config.backend() == 'jax'\n"
        "m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])\n"
        "m.compile('adam', 'mse')\n"
        "kl.prune(kl.mask(m), sparsity=0.5)\n"
        "kl.fit(m, np.ones((8, 4), 'float32'), np.ones((8, 2), 'float32'), verbose=0)\n"
        "assert sum((w == 0).sum() for w in m.get_weights() if w.ndim == 2) >= 9\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", blocker],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
