"""An experiment on text files through the engine: rows, tickets, the page, an exported model."""

import gzip

import keras
import numpy as np
import pytest

from keras_lottery import config as configs
from keras_lottery import engine, report
from keras_lottery.config import presets
from keras_lottery.exporters import export_run
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.toolkit import Ticket

pytestmark = pytest.mark.backend

ARMS = ("winning", "permuted_global", "one_shot", "winning_init")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(8)]
    for name, lines in {"train": 40, "validation": 12, "test": 12}.items():
        starts = rng.integers(0, 8, lines)
        text = "".join(" ".join(words[(s + i) % 8] for i in range(6)) + "\n" for s in starts)
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode()))
    fields = {
        "data.dir": str(folder),
        "data.train": "train.txt.gz",
        "data.validation": "validation.txt.gz",
        "data.test": "test.txt.gz",
        "data.steps": 6,
        "data.train_tokens": 0,
        "data.test_tokens": 0,
        "model.units": 8,
        "model.embedding": 8,
        "train.batch_size": 4,
        "train.length": "8ep",
        "prune.rounds": 2,
        "optimizer.learning_rate": 0.1,
        "optimizer.epsilon": 1e-4,
        "seeds": [0],
        "arms": ARMS,
        "out": str(folder / "runs"),
    }
    loaded = presets.load("yu2019/lstm:ptb_small", fields)
    loaded["backend"] = keras.config.backend()
    return engine.run(configs.freeze(loaded))


def test_every_arm_is_measured_and_the_network_learns(run):
    rows = read_results(RunPaths(run).results)
    assert len(rows) == 1 + 2 * len(ARMS)
    assert {row.metric for row in rows} == {"log_perplexity"}
    dense = [row for row in rows if row.arm == "dense"]
    assert all(row.value < np.log(9) - 0.5 for row in dense)
    assert all(row.kept == row.total - row.total // 2 for row in rows if row.round == 1)


def test_the_page_calls_lower_better(run):
    report.build(run, tensorboard=False)
    assert "lower is better" in (run / "report/report.md").read_text()


def test_a_ticket_fits_the_plain_model_that_is_exported(run, tmp_path):
    export_run(run, tmp_path / "model.keras", "keras", seed=0, round=1, dense=False)
    model = keras.saving.load_model(tmp_path / "model.keras")
    words = (tmp_path / "model.keras.vocabulary.txt").read_text().splitlines()
    assert len(words) == 9 and {"<eos>", "w0"} <= set(words)
    logits = model(np.zeros((3, 2), "int32"))
    assert tuple(logits.shape) == (3, 2, 9)
    ticket = Ticket.load(next(run.rglob("round_01/winning.ticket.safetensors")))
    assert not [path for path in ticket.start if "carried" in path]
    ticket.apply(model)
