"""The tickets that ship with the package still reach their accuracy."""

import os
from importlib.resources import files
from pathlib import Path

import keras
import pytest

import keras_lottery as kl
from keras_lottery import config as configs
from keras_lottery.config import presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.engine.run_reader import to_start
from keras_lottery.tasks import make_task, task_schemas
from keras_lottery.tickets import preset_cells, preset_facts, preset_names
from keras_lottery.types import Training

DATA = os.environ.get("KERAS_LOTTERY_DATA", "")
ON_EVERY_BACKEND = ("lenet_digits", "lenet_mnist")
SLOW = ("small_cnn_digits_channels",)
"""Retrained by tests/slow."""

MOST_BYTES = 5 * 2**20
PAGE = Path(kl.__file__).parents[1] / "docs/tickets.md"


def check(name):
    ticket = kl.Ticket.from_preset(name)
    made = ticket.provenance
    settings = presets.load(made["config"], {"data.dir": DATA})
    if settings["data"]["name"] != "digits" and not DATA:
        pytest.skip("set KERAS_LOTTERY_DATA to the folder of the data sets")
    settings["train"]["length"] = f"{made['step'] + made['steps']}it"
    settings["backend"] = keras.config.backend()
    assert "vision" in task_schemas
    config = configs.freeze(settings)
    training = Training("", "vision", made["seed"], made["round"], made["arm"])
    outcome = make_task(config).fit(training, to_start(ticket), NoProgress())
    value = outcome.best_value if config.train.value == "best" else outcome.final_value
    # A ticket holds no optimizer state, which a rewound training starts with.
    assert value == pytest.approx(made["value"], abs=0.015 if made["step"] else 0.01)


@pytest.mark.backend
@pytest.mark.parametrize("name", ON_EVERY_BACKEND)
def test_a_shipped_ticket_reaches_its_value_again_on_every_backend(name):
    check(name)


@pytest.mark.parametrize("name", sorted({*preset_names()} - {*ON_EVERY_BACKEND, *SLOW}))
def test_a_shipped_ticket_reaches_its_value_again(name):
    check(name)


def test_ten_small_tickets_ship():
    folder = files("keras_lottery") / "presets_tickets"
    assert len(preset_names()) == 10
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) <= MOST_BYTES


def test_each_says_what_it_is_and_the_guide_lists_it():
    page = PAGE.read_text(encoding="utf-8")
    for name, known in preset_facts().items():
        assert {"says", "paper", "config", "remaining", "difference"} <= known.keys()
        assert f"| {' | '.join([f'`{name}`', *preset_cells(known), known['paper']])} |" in page
