"""Invalid input ends with exit code 2 and one line on standard error; nothing is written."""

import pytest

from keras_lottery import cli, studies
from keras_lottery import config as configs
from keras_lottery.config import presets
from keras_lottery.records.run_paths import paths_of

CONFIG_FILES = {
    "raises.py": "raise RuntimeError('first line\\nsecond line')",
    "exits.py": "import sys; sys.exit(0)",
    "bare.py": "x = 1",
    "syntax.py": "def (",
    "wrong.py": "def get_config(): return {}",
    "needs.py": "def get_config(size): return size",
    "inner.py": "def get_config(): raise KeyError('x')",
    "empty.py": "from ml_collections import ConfigDict\ndef get_config(): return ConfigDict()",
    "bytes.py": "\\x00",
}
QUICKSTART = ("run", "--config=quickstart")
OVERRIDES = [
    "prune=3",
    "prune=",
    "prune.rounds.x=1",
    "x.y.z=1",
    ".x=1",
    "x=1",
    "prune.roundz=3",
    "prune.rounds=0",
    "prune.rounds=-1",
    "prune.rounds=1.5",
    "prune.rounds=a",
    "prune.rounds=",
    "prune.rounds=None",
    "prune.rounds=True",
    "prune.rounds=10000000000",
    "prune.rate=0",
    "prune.rate=1",
    "prune.rate=-.1",
    "prune.rate=nan",
    "prune.rate=inf",
    "prune.rate=1e999",
    "prune.criterion=nope",
    "prune.scope=nope",
    "prune.schedule=nope",
    "prune.levels=0.6,0.5",
    "prune.levels=2",
    "prune.levels=a",
    "prune.rates={'dense':2}",
    "prune.rates=3",
    "prune.min_per_layer=-1",
    "prune.include=,",
    "prune.arm_rounds={'winning':(0,)}",
    "prune.arm_rounds.winning=",
    "prune.arm_rounds=3",
    "optimizer.name=nope",
    "optimizer.name=",
    "optimizer.learning_rate=0",
    "optimizer.learning_rate=nan",
    "optimizer.beta_1=2",
    "optimizer.beta_1=-1",
    "optimizer.clipnorm=-1",
    "optimizer.momentum=0.9",
    "optimizer.rho=.9",
    "optimizer.epsilon=0",
    "optimizer.weight_decay=-1",
    "optimizer.factor=.5",
    "optimizer.boundaries=1ep",
    "optimizer.schedule=piecewise",
    "optimizer.schedule=nope",
    "optimizer.warmup=1",
    "data.split_seed=-1",
    "data.path=own.npz",
    "data.dir=/data",
    "data.download=true",
    "data.name=nope",
    "data.name=arrays",
    "data.name=",
    "data.validation_size=-2",
    "data.train_size=-1",
    "data.classes=1",
    "data.classes=1,1",
    "data.channels=2",
    "data.resize=-1",
    "data.scaling=nope",
    "data.augment=nope",
    "data=3",
    "data=0",
    "data=",
    "model.name=nope",
    "model.hidden=",
    "model.hidden=0",
    "model.dropout=.5",
    "model.dropout=1",
    "model.batch_norm_synchronized=true",
    "arms=",
    "arms=nope",
    "arms=winning,winning",
    "arms=winning,",
    "draws=0",
    "keep_trained=nope",
    "train.dtype_policy=float99",
    "train.length=0it",
    "train.length=5",
    "train.length=" + 5000 * "9" + "it",
    "train.length=\u0665it",
    "__class__=x",
    "train.items=x",
    "train.batch_size=0",
    "train.batch_size=1e3",
    "train.eval_every=-1",
    "train.value=nope",
    "train.jit=nope",
    "train.average=-1",
    "train.average_every=2ep",
    "train.drop_remainder=2",
    "rewind.to=x",
    "rewind.mode=x",
    "rewind.to=99999999it",
    "task=None",
    "task=nope",
    "task=[1]",
    "study=nope",
    "study=None",
    "study={}",
    "options.points=1it",
    "options=3",
    "supermask.samples=3",
    "edge_popup.scale=true",
    "transfer.arms=reinit",
    "transfer.sources.a=",
    "report.sparse=0",
    "report.sparse=2",
    "name=",
    "name=../x",
    "name=..",
    "out=",
    "backend=[1]",
    "distribution={}",
    "seeds=",
    "seeds=(0,0)",
    "optimizer=None",
    "model.hidden=((((((((((((1",
]
RUNS = [
    ("--config",),
    ("--config=",),
    ("--config=nope",),
    ("--config=nope.py",),
    ("--config=~nobody/x.py",),
    ("--config=" + 5000 * "x" + ".py",),
    ("--config=a\0b.py",),
    ("--config=folder.py",),
    *((f"--config={name}",) for name in CONFIG_FILES),
    (),
    ("quickstart",),
]
FLAGS = [
    ("--track=wand",),
    ("--track=mlflow", "--noreport"),
    ("extra",),
    ("--nope",),
    ("--seeds",),
    ("--seeds=",),
    ("--seeds=0,0",),
    ("--seeds=-1",),
    ("--seeds=a",),
    ("--seeds=1.5",),
    ("--seeds=0-4",),
    ("--seeds=True",),
    ("--seeds=None",),
    ("--seeds=99999999999999999999",),
    ("--seeds={0:1}",),
    ("--seeds=[[0]]",),
    ("--seeds=0", "--seeds=1"),
    ("--seeds=1", "--config.seeds=2"),
    ("--config=quickstart",),
    ("--report", "--noreport"),
    ("--report=maybe",),
    ("--out=",),
    ("--out=" + 300 * "x",),
    ("--out=~nobody_at_all/x",),
    ("--config.name=" + 300 * "x", "--out=."),
    ("--backend=",),
    ("--backend=theano",),
    ("--backend=numpy",),
    ("--distribution=nope",),
    ("--executor=",),
    ("--executor=nope",),
    ("--tpu=x",),
    ("--config.prune",),
    ("--config.=1",),
    ("--config.prune.rounds", "5"),
    ("--config.prune.rounds=1", "--config.prune.rounds=2"),
    ("--config.prune.arm_rounds={'nope':(1,)}",),
    ("--config.arms=" + 3000 * "(",),
    ("--config.x={[]:1}",),
]
PRUNE = ("prune", "--model=text.keras", "--sparsity=0.5")
OTHERS = [
    ("nope",),
    ("",),
    ("--nope",),
    ("report",),
    ("report", "--run"),
    ("report", "--run="),
    ("report", "--run=nope"),
    ("report", "--run=" + 300 * "x"),
    ("show", "--run=" + 300 * "x"),
    ("export", "--run=" + 300 * "x", "--out=x"),
    ("report", "--run=text.keras"),
    ("report", "--run=broken"),
    ("report", "--run=list"),
    ("report", "--run=broken", "extra"),
    ("report", "--config.x=1"),
    ("export",),
    ("export", "--run=nope"),
    ("export", "--run=nope", "--out=x"),
    ("export", "--run=broken", "--out=x"),
    ("export", "--run=broken", "--out=x", "--seed=a"),
    ("export", "--run=broken", "--out=x", "--round=1.5"),
    ("prune",),
    ("prune", "--model=nope.keras"),
    ("prune", "--model=nope.keras", "--sparsity=0.5", "--out=o.keras"),
    ("prune", "--model=folder.py", "--sparsity=0.5", "--out=o.keras"),
    ("prune", "--model=", "--sparsity=0.5", "--out=o.keras"),
    ("prune", "--model=text.keras", "--sparsity=2", "--out=o.keras"),
    ("prune", "--model=text.keras", "--sparsity=-1", "--out=o.keras"),
    ("prune", "--model=text.keras", "--sparsity=nan", "--out=o.keras"),
    ("prune", "--model=text.keras", "--sparsity=a", "--out=o.keras"),
    (*PRUNE, "--out=o.keras"),
    (*PRUNE, "--out=o.h5"),
    (*PRUNE, "--out="),
    (*PRUNE, "--out=text.keras"),
    (*PRUNE, "--out=o.keras", "--criterion=nope"),
    (*PRUNE, "--out=o.keras", "--scope=nope"),
    (*PRUNE, "--out=o.keras", "--format=nope"),
    (*PRUNE, "--out=o.keras", "--format="),
    (*PRUNE, "--out=o.keras", "--format=litert"),
    (*PRUNE, "--out=o.keras", "--format=saved_model"),
    (*PRUNE, "--out=o.keras", "--quantize=int9"),
    (*PRUNE, "--out=o", "--format=openvino", "--quantize=int8"),
    ("export", "--run=broken", "--out=x", "--format=nope"),
    ("export", "--run=broken", "--out=x.keras"),
    ("export", "--run=broken", "--out=x", "--quantize=int9"),
    ("list", "nope"),
    ("list", ""),
    ("list", "--nope"),
    ("list", "configs", "nope"),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of files that are not what their names say."""
    for name, text in CONFIG_FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "text.keras").write_text("no model")
    for name, text in (("broken", "{"), ("list", "[1]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder):
    """Returns all paths, but not the bytecode of config files."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)


def refused(arguments, here, capsys):
    """Runs a command that must be refused, and returns its one line."""
    before = files_in(here)
    assert cli.main(["keras-lottery", *arguments]) == cli.USAGE_ERROR
    shown = capsys.readouterr()
    (line,) = shown.err.strip().splitlines()
    assert line.startswith("keras-lottery: ") and not shown.out
    assert files_in(here) == before
    return line


@pytest.mark.parametrize("arguments", OTHERS, ids=lambda words: str(words)[:60])
def test_other_commands(arguments, here, capsys):
    refused(arguments, here, capsys)


@pytest.mark.parametrize("arguments", RUNS, ids=lambda words: str(words)[:60])
def test_run_without_a_config(arguments, here, capsys):
    refused(("run", *arguments), here, capsys)


@pytest.mark.parametrize("arguments", FLAGS, ids=lambda words: str(words)[:60])
def test_flags_of_run(arguments, here, capsys):
    refused((*QUICKSTART, *arguments), here, capsys)


@pytest.mark.parametrize("override", OVERRIDES)
def test_overrides(override, here, capsys, monkeypatch):
    monkeypatch.setattr(studies, "run", lambda config: pytest.fail("accepted"))
    line = refused((*QUICKSTART, f"--config.{override}"), here, capsys)
    assert override.partition("=")[0].split(".")[0] in line


def test_a_name_that_is_too_long_for_a_file_is_shown(here, capsys):
    line = refused(("show", "--run=" + 300 * "x"), here, capsys)
    assert "File name too long: 'xxx" in line and "Check the names" in line


def test_a_field_that_nothing_reads_says_what_would(here, capsys):
    line = refused((*QUICKSTART, "--config.data.path=own.npz"), here, capsys)
    assert "data.path: has no effect while name is 'digits'. Received: 'own.npz'" in line
    line = refused((*QUICKSTART, "--config.optimizer.boundaries=1ep"), here, capsys)
    assert "optimizer.boundaries: has no effect unless schedule is 'piecewise'" in line


def test_what_the_flags_leave_without_effect_in_a_config_is_named(here, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(studies, "run", lambda config: seen.append(config) or here)
    name = "natale2024/strong_tickets_digits"
    command = [
        "keras-lottery",
        "run",
        f"--config={name}",
        "--noreport",
        "--executor=sequential",
        "--config.model.name=conv2",
    ]
    assert cli.main(command) == 0
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"ignoring model.hidden from {name}" in line
    assert seen[0].model.hidden == type(seen[0].model)().hidden
    assert cli.main([*command, "--config.model.hidden=5,5"]) == cli.USAGE_ERROR
    # A run that was started before this was checked goes on.
    as_given = presets.load(name, {"model.name": "conv2", "backend": seen[0].backend})
    run = paths_of(configs.freeze(as_given, allow_unread=True))
    run.root.mkdir(parents=True)
    run.config.write_text('{"config": {}, "higher_is_better": true}')
    assert cli.main(command) == 0
    assert paths_of(seen[1]) == run != paths_of(seen[0])


def test_text_flags_are_taken_as_they_are(here, monkeypatch):
    seen = []
    monkeypatch.setattr(studies, "run", lambda config: seen.append(config) or here)
    assert cli.main(["keras-lottery", *QUICKSTART, "--out=0x10", "--noreport"]) == 0
    assert seen[0].out == "0x10"


def test_only_an_interrupted_run_is_resumed_by_its_command(monkeypatch, capsys):
    def interrupt(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_dispatch", interrupt)
    for command, is_resumed in (("run", True), ("prune", False)):
        assert cli.main(["keras-lottery", command]) == 130
        assert ("same command to resume" in capsys.readouterr().err) is is_resumed
