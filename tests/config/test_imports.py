"""Runs with names from outside: by --import and by entry point; a run folder imports nothing."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from keras_lottery import cli, user_modules
from keras_lottery.config import imports
from keras_lottery.errors import LotteryError
from keras_lottery.registry import Registry
from tests import fresh

PLUGIN = Path(__file__).parents[1] / "plugin" / "example_plugin.py"
FIELDS = {
    "task": "bar_images",
    "data.name": "bars",
    "data.validation_size": 20,
    "model.name": "doubled",
    "train.length": "20it",
    "train.batch_size": 10,
    "train.eval_every": 10,
    "rewind.to": "5it",
    "prune.rounds": 1,
    "prune.criterion": "last_weights",
    "arms": "winning,twin",
    "seeds": 0,
}
USED = {
    "arm": ["twin"],
    "criterion": ["last_weights"],
    "data set": ["bars"],
    "model": ["doubled"],
    "task": ["bar_images"],
}


COMMANDS = "import sys; from keras_lottery.cli import main; sys.exit(max(map(main, {})))"


def process(*commands, cwd, path=""):
    """Runs commands in one process that does not search the current folder."""
    lines = [["keras-lottery", *map(str, command)] for command in commands]
    done = fresh.run("-c", COMMANDS.format(lines), cwd=cwd, PYTHONPATH=str(path))
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_flags(out):
    return ["run", "--config=quickstart", f"--out={out}"] + [
        f"--config.{field}={value}" for field, value in FIELDS.items()
    ]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder with the module, that is no part of the search path."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copy(PLUGIN, folder)
    return folder


@pytest.fixture(scope="module")
def folder(elsewhere):
    process([*run_flags("runs"), "--report=false", "--import=example_plugin"], cwd=elsewhere)
    (found,) = (elsewhere / "runs").iterdir()
    return found


def test_a_run_records_its_modules_with_their_names(folder):
    recorded = json.loads((folder / "config.json").read_text())[imports.KEY]
    assert recorded == {"example_plugin": {"import": "example_plugin", "names": USED}}


@pytest.mark.parametrize("name", ["report", "export"])
def test_a_run_folder_imports_nothing(folder, elsewhere, name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(elsewhere))  # it could be found
    assert cli.main(["", name, f"--run={folder}", *(["--out=x"] if name == "export" else [])]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert (
        len(lines) == 1 and "--import=example_plugin" in lines[0] and "data set 'bars'" in lines[0]
    )
    assert "example_plugin" not in sys.modules


def test_a_run_that_lacks_its_module_says_how_to_name_it(capsys, tmp_path):
    assert cli.main(["", *run_flags(tmp_path)]) == 2
    assert "pass --import=MODULE" in capsys.readouterr().err


def test_report_export_and_prune_with_import(folder, elsewhere, tmp_path):
    given = f"--import={elsewhere / 'example_plugin.py'}"
    keras, sparse = ["--out=a.keras", "--format=keras"], ["--sparsity=0.5", "--out=b.keras"]
    shown = process(
        ["report", f"--run={folder}", given],
        ["export", f"--run={folder}", *keras, given],
        ["prune", "--model=a.keras", *sparse, "--criterion=last_weights", given],
        cwd=tmp_path,
    )
    assert "twin" in shown and (tmp_path / "a.keras").exists() and (tmp_path / "b.keras").exists()


def test_list_run_report_and_export_with_an_entry_point(folder, tmp_path):
    site = tmp_path / "site"
    info = site / "example_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(PLUGIN, site)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{user_modules.GROUP}]\nbars = example_plugin\n")
    shown = process(
        ["list", "tasks", "arms"],
        run_flags(folder.parent),
        ["export", f"--run={folder}", "--out=a.keras", "--format=keras"],
        cwd=tmp_path,
        path=site,
    )
    assert "\n  bar_images" in shown and "\n  twin" in shown
    assert f"run folder: {folder}" in shown and "report.html" in shown
    assert (tmp_path / "a.keras").exists()


@pytest.fixture
def nothing_imported(monkeypatch):
    monkeypatch.setattr(user_modules, "_flags", {})


@pytest.fixture
def registry():
    return Registry("fruit of a test")


@pytest.mark.usefixtures("nothing_imported")
def test_names_that_are_used_are_recorded_whoever_imported_their_module(registry):
    registry.add("apple", 1)
    registry.add("pear", 2)
    recorded = imports.needs_of({"data": {"names": ["apple"]}})
    assert recorded == {__name__: {"import": __name__, "names": {"fruit of a test": ["apple"]}}}
    assert imports.needs_of({"data": {"name": "plum"}}) == {}


@pytest.mark.usefixtures("nothing_imported")
def test_names_of_a_config_file_are_recorded_with_the_file(registry, tmp_path):
    file = tmp_path / "own.py"
    code = compile("registry.register('apple')(1)", str(file), "exec")
    exec(code, {"__name__": "keras_lottery_config_own", "registry": registry})
    ((module, entry),) = imports.needs_of({"name": "apple"}).items()
    assert module == "keras_lottery_config_own" and entry["import"] == str(file)
    imports.check_needs({imports.KEY: {module: entry}}, tmp_path)
    del registry._entries["apple"]
    with pytest.raises(LotteryError, match=f"--import={file}"):
        imports.check_needs({imports.KEY: {module: entry}}, tmp_path)


def test_a_module_without_names_is_recorded_since_it_was_named(monkeypatch, tmp_path):
    monkeypatch.setattr(user_modules, "_flags", {"made_layers": "./made_layers.py"})
    record = {imports.KEY: imports.needs_of({})}
    assert record == {"imports": {"made_layers": {"import": "./made_layers.py", "names": {}}}}
    with pytest.raises(LotteryError, match=r"'made_layers'.*'--import=\./made_layers\.py'"):
        imports.check_needs(record, tmp_path)
    monkeypatch.setitem(sys.modules, "made_layers", sys)
    imports.check_needs(record, tmp_path)


def test_a_script_is_no_module_that_can_be_imported(tmp_path):
    record = {imports.KEY: {"__main__": {"import": "s.py", "names": {"fruit": ["apple"]}}}}
    with pytest.raises(LotteryError, match="into a module of its own"):
        imports.check_needs(record, tmp_path)


@pytest.mark.parametrize(
    "garbage", [[1], {"a": 1}, {"a": {}}, {"a": {"import": "a", "names": 3}}, "text"]
)
def test_a_record_of_garbage_is_one_line(garbage, tmp_path):
    with pytest.raises(LotteryError, match="modules with their names"):
        imports.check_needs({imports.KEY: garbage}, tmp_path)
