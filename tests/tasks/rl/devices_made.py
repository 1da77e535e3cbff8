"""A small agent, dense and then pruned, on all available devices."""

import numpy as np

from keras_lottery import masking
from keras_lottery.config import freeze, thaw
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.rl.task import RLTask
from keras_lottery.types import Start
from tests.tasks.rl.made import Silent, config, training


def trained(distribution):
    """What a dense and a pruned training came to."""
    settings = thaw(config(train={"length": "20it", "eval_every": 4}, rewind={"to": "8it"}))
    task = RLTask(freeze(settings | {"distribution": distribution}))
    dense = task.fit(training(), Start(task.start_weights(0)), Silent())
    masks = prune_round(dense.weights, {}, task.variables(), task.config.prune, 1, seed=0)
    early = {k[8:]: v for k, v in dense.rewind.items() if k.startswith("weights/")}
    state = {k: v for k, v in dense.rewind.items() if k.startswith("optimizer/")}
    start = Start(early, masks, step=8, learning_rate_step=8, data_order_step=8, state=state)
    winning = task.fit(training(1, "winning"), start, Silent())
    agent = task._agent("zero")
    target = masking.get_weights(agent.target)
    found = [copies(model) for model in (agent.model, agent.target)]
    return {
        "dense": [row["loss"] for row in dense.history if "loss" in row],
        "winning": [row["loss"] for row in winning.history if "loss" in row],
        "sum": sum(float(np.abs(v).sum()) for v in winning.weights.values()),
        "zero": all(not winning.weights[p][~m].any() for p, m in masks.items()),
        "target": all(not target[p][~m].any() for p, m in masks.items()),
        "copies": found[0][0],
        "agree": all(same for _, same in found),
    }


def copies(model):
    """How many copies each variable has, and whether they hold the same values."""
    every = [
        [np.asarray(copy) for copy in getattr(variable.value, "values", [variable.value])]
        for variable in masking.variables(model).values()
    ]
    same = all((copy == one[0]).all() for one in every for copy in one)
    return len(every[0]), same
