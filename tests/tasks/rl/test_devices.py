"""Two devices give the same as one, and training steps have static shapes."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests import fresh
from tests.tasks.rl.devices_made import trained
from tests.tasks.rl.test_bridge import agent, batch


def on_two_devices():
    done = fresh.run(Path(__file__).with_name("devices_run.py"))
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_match_one():
    one, two = trained("none"), on_two_devices()
    assert (one["copies"], two["copies"]) == (1, 2)
    assert len(one["dense"]) > 1 and len(one["winning"]) > 1
    for name in ("dense", "winning", "sum"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert two["zero"] and two["target"] and two["agree"]


def test_nothing_in_a_training_step_has_a_dynamic_shape():
    one, _ = agent(n_step=3, dueling=True)
    arrays = [tf.convert_to_tensor(array[0]) for array in batch()]
    graph = tf.function(one._learn_from, autograph=False).get_concrete_function(arrays).graph
    numbers = [
        tensor
        for operation in graph.get_operations()
        for tensor in operation.outputs
        if tensor.dtype not in (tf.resource, tf.variant, tf.string)
    ]
    assert len(numbers) > 100
    assert [t.name for t in numbers if not t.shape.is_fully_defined()] == []
