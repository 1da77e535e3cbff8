"""The examples of extending run as an installed package outside of the repository."""

import shutil
from pathlib import Path

import pytest

from keras_lottery import user_modules
from tests import fresh

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "extending").glob("own_*.py"))
COMMANDS = "import sys; from keras_lottery.cli import main; sys.exit(max(map(main, {})))"
SHORT = {
    "train.length": "20it",
    "train.batch_size": 10,
    "train.eval_every": 10,
    "prune.rounds": 1,
    "seeds": 0,
    "executor": "sequential",
}
VISION = {
    "name": "own",
    "data.name": "wine",
    "data.validation_size": 20,
    "data.scaling": "none",
    "model.name": "residual_mlp",
    "model.hidden": "8,8",
    "prune.criterion": "lamp",
}


def run(**fields):
    flags = [f"--config.{name}={value}" for name, value in (SHORT | fields).items()]
    return ["keras-lottery", "run", "--config=quickstart", "--out=runs", *flags]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder that an installer would have written: the modules, and their entry points."""
    site = tmp_path_factory.mktemp("site")
    info = site / "own_lottery-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-lottery\nVersion: 1.0\n")
    points = [f"{path.stem} = {path.stem}" for path in EXAMPLES]
    (info / "entry_points.txt").write_text("\n".join([f"[{user_modules.GROUP}]", *points, ""]))
    for path in EXAMPLES:
        shutil.copy(path, site)
    return site


def test_data_model_criterion_arm_task_and_study(package, tmp_path):
    commands = [
        run(**VISION, arms="winning,random_signs"),
        run(name="task", task="diabetes", arms="winning"),
        run(**VISION | {"name": "study"}, study="noise", arms="winning"),
    ]
    done = fresh.run("-c", COMMANDS.format(commands), cwd=tmp_path, PYTHONPATH=str(package))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "random_signs" in done.stdout and "mean absolute error" in done.stdout
    (table,) = tmp_path.glob("runs/study-*/noise.csv")
    seed, noise, value = zip(*(row.split(",") for row in table.read_text().split()[1:]))
    assert set(seed) == {"0"} and noise == ("0.0", "0.2", "0.5")
    assert all(0 <= float(number) <= 1 for number in value)


def test_each_is_one_short_file_in_the_guide():
    assert len(EXAMPLES) == 6
    guides = Path(__file__).parents[2] / "docs" / "extend"
    for path in EXAMPLES:
        assert len(path.read_text().splitlines()) < 60, path
        guide = guides / f"{path.stem.removeprefix('own_')}.md"
        assert f'\n--8<-- "examples/extending/{path.name}"\n' in guide.read_text(), path
