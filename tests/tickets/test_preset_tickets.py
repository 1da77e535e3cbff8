"""The tickets that ship with the package still reach their accuracy."""

import os

import keras
import pytest

import keras_lottery as kl
from keras_lottery import config as configs
from keras_lottery.config import presets
from keras_lottery.engine.experiment import make_task
from keras_lottery.engine.progress import NoProgress
from keras_lottery.engine.run_reader import to_start
from keras_lottery.tasks import task_schemas
from keras_lottery.tickets import preset_names
from keras_lottery.types import Training

DATA = os.environ.get("KERAS_LOTTERY_DATA", "")


@pytest.mark.backend
@pytest.mark.parametrize("name", preset_names())
def test_a_shipped_ticket_reaches_its_value_again(name):
    ticket = kl.Ticket.from_preset(name)
    made = ticket.provenance
    settings = presets.load(made["config"], {"data.dir": DATA})
    if settings["data"]["name"] != "digits" and not DATA:
        pytest.skip("set KERAS_LOTTERY_DATA to the folder of the data sets")
    settings["train"]["length"] = f"{made['steps']}it"
    settings["backend"] = keras.config.backend()
    assert "vision" in task_schemas
    config = configs.freeze(settings)
    training = Training("", "vision", made["seed"], made["round"], "winning")
    outcome = make_task(config).fit(training, to_start(ticket), NoProgress())
    value = outcome.best_value if config.train.value == "best" else outcome.final_value
    assert value == pytest.approx(made["value"], abs=0.01)


def test_small_tickets_ship():
    assert "lenet_digits" in preset_names() and "lenet_mnist" in preset_names()
