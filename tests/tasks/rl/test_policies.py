"""A saved policy is the network that was trained, and acts greedily."""

import numpy as np

from keras_lottery import masking, toolkit
from keras_lottery.exporters import export
from keras_lottery.tasks.rl import networks
from keras_lottery.tasks.rl.config import RLModel
from keras_lottery.tasks.rl.environments.spaces import GameSpec

SPEC = GameSpec((10, 10), "uint8", 3, 0, 4)


def test_the_stripped_policy_of_a_dqn(tmp_path):
    is_written_reloaded_and_compared("dqn", 1, tmp_path)


def is_written_reloaded_and_compared(algorithm, outputs, tmp_path):
    config = RLModel("minatar_cnn", hidden=(8,), algorithm=algorithm, dueling=algorithm == "dqn")
    model = toolkit.mask(networks.build(SPEC, config), biases=True)
    rng = np.random.default_rng(0)
    masks = {path: rng.random(m.shape) < 0.2 for path, m in masking.get_masks(model).items()}
    masking.set_masks(model, masks)
    report = export(model, tmp_path / "policy", "policy", dense=False)
    assert report.max_abs_difference <= report.tolerance
    assert len(report.outputs) == outputs
    stored = {v.path: v for v in report.variables}
    assert stored.keys() == masks.keys()
    for path, mask in masks.items():
        assert stored[path].zeros >= (~mask).sum()
    assert (tmp_path / "policy" / "saved_model.pb").exists()
