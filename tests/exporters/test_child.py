"""A child process takes no module from the current folder, and says why it failed."""

import importlib
import os
import subprocess
import sys

import keras
import pytest

import keras_lottery as kl
from keras_lottery.errors import LotteryError
from keras_lottery.exporters.subprocess import bootstrap, child
from keras_lottery.exporters.subprocess.child import Child, environment, run_child

from .made import mlp

TRAP = "import pathlib\npathlib.Path({marker!r}).touch()\n"

PACKAGE = {
    "__init__.py": "",
    "base.py": "FACTOR = 3.0\n",
    "layers.py": """
import keras
from .base import FACTOR

class Triple(keras.layers.Layer):
    def call(self, inputs):
        from . import late
        return late.times(inputs, FACTOR)
""",
    "late.py": "def times(a, b):\n    return a * b\n",
}


@pytest.fixture(autouse=True)
def new_interpreters(monkeypatch):
    """Children as users have them, not forked."""
    monkeypatch.setattr(child, "subprocess", subprocess)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, from which this process imports, with modules that are traps."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", str(folder), str(tmp_path)]))
    for name in ("numpy", "json", "sitecustomize", "keras_lottery"):
        (folder / f"{name}.py").write_text(TRAP.format(marker=str(tmp_path / "marker")))
    return folder


def test_a_users_package_is_found_and_nothing_else_in_the_current_folder(here, tmp_path):
    (here / "users_package").mkdir()
    for name, text in PACKAGE.items():
        (here / "users_package" / name).write_text(text)
    layers = importlib.import_module("users_package.layers")
    model = keras.Sequential([keras.Input((2,)), layers.Triple(), keras.layers.Dense(2)])
    assert kl.export(model, tmp_path / "a.keras", "keras").max_abs_difference < 1e-5
    assert not (tmp_path / "marker").exists()


def test_the_command_and_its_children_take_nothing_from_the_current_folder(here, tmp_path):
    mlp(4, 3, 2).save(tmp_path / "a.keras")
    command = tmp_path / "bin" / "keras-lottery"  # as installers write it
    command.parent.mkdir()
    command.write_text("import sys\nfrom keras_lottery.cli import entry_point\nentry_point()\n")
    flags = [f"--model={tmp_path}/a.keras", "--sparsity=0.5", f"--out={tmp_path}/b.keras"]
    done = subprocess.run(
        [sys.executable, str(command), "prune", *flags],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.keras").exists() and not (tmp_path / "marker").exists()


def test_the_environment_names_the_current_folder_nowhere(here, tmp_path):
    found = environment(os.environ, "jax")
    assert found["PYTHONPATH"] == str(tmp_path) and found["PYTHONSAFEPATH"] == "1"


def test_a_child_on_a_full_disk_raises_its_error(tmp_path, monkeypatch):
    text = "def work(request): raise RuntimeError('flush: No space left on device')"
    (tmp_path / "users_work.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_work", raising=False)
    importlib.import_module("users_work")
    with pytest.raises(OSError, match="No space left on device"):
        run_child("users_work:work", {}, "jax", "a model")


@pytest.mark.parametrize("needed", [False, True])
def test_a_runtime_is_imported_without_what_it_does_not_need(needed, tmp_path, monkeypatch):
    runtime = "try:\n    import users_extra\nexcept ImportError:\n    users_extra = None\n"
    (tmp_path / "users_runtime.py").write_text(runtime)
    (tmp_path / "users_extra.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bootstrap, "_UNUSED", {"users_runtime": ("users_extra",)})
    monkeypatch.setenv("KERAS_BACKEND", "users_extra" if needed else "jax")
    for name in ("users_runtime", "users_extra"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    bootstrap._import_alone("users_runtime")
    assert (sys.modules["users_runtime"].users_extra is not None) == needed
    assert importlib.import_module("users_extra").__file__


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def work(request): raise SystemExit(0)", "exit code 0"),
        ("import os\ndef work(request): os.kill(os.getpid(), 9)", "exit code -9"),
        ("def work(request): raise ValueError('no such layer')", "ValueError: no such layer"),
    ],
    ids=["no answer", "killed", "raised"],
)
def test_a_child_that_fails_is_one_error_with_its_reason(text, reason, tmp_path, monkeypatch):
    (tmp_path / "users_work.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_work", raising=False)
    importlib.import_module("users_work")
    with pytest.raises(LotteryError, match=f"a model.*{reason}"):
        run_child("users_work:work", {}, "jax", "a model")


WORK = """
import os, signal, tempfile, threading

def temporary(request):
    return {"folder": tempfile.gettempdir()}

def add(request):
    print("printed")
    return {"sum": request["a"] + request["b"]}

def wait(request):
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "users_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_work", raising=False)
    importlib.import_module("users_work")


def test_a_child_answers_in_order_whatever_the_work_prints(work, tmp_path):
    with Child("jax", tmp_path) as child:
        child.send("users_work:add", {"a": 1, "b": 2})
        child.send("users_work:add", {"a": 3, "b": 4})
        child.send("users_work:temporary", {})
        assert [child.receive("a sum")["sum"] for _ in range(2)] == [3, 7]
        assert child.receive("a folder")["folder"] == str(tmp_path)


def test_a_child_at_work_ends_with_its_parent_and_not_by_ctrl_c(work):
    with Child("jax") as child:
        child.send("users_work:wait", {})
        child._process.stdin.close()  # as when the parent is killed
        assert child._process.wait(60) == 1
