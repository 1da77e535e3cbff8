"""One round of a tiny BERT on several virtual CPU devices; prints the losses and the counts.

Run as a script in a process of its own, since devices are made before the backend starts.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

BACKEND, DISTRIBUTION, DEVICES = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.environ["KERAS_BACKEND"] = BACKEND
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if BACKEND == "jax":
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"
else:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(DEVICES)]
    )

import keras_lottery.studies  # noqa: E402, F401  registers studies and tasks
from keras_lottery import presets, pruning  # noqa: E402
from keras_lottery.config import freeze  # noqa: E402
from keras_lottery.engine.progress import NoProgress  # noqa: E402
from keras_lottery.tasks.nlp.bert.task import BertTask  # noqa: E402
from keras_lottery.types import Start, Training  # noqa: E402
from tests.tasks.bert import made  # noqa: E402


def main(folder):
    made.data(folder)
    fields = made.fields(folder, distribution=DISTRIBUTION, train__length="16it")
    config = freeze(presets.load("chen2020/minilm_glue", fields))
    task = BertTask(config)
    start = task.start_weights(0)
    dense = task.fit(Training("", "bert", 0, 0, "dense"), Start(start), NoProgress())
    masks = pruning.prune_round(dense.weights, {}, task.variables(), config.prune, 1)
    ticket = Start(start, masks)
    winning = task.fit(Training("", "bert", 0, 1, "winning"), ticket, NoProgress())
    found = {
        "dense": [row["loss"] for row in dense.history],
        "winning": [row["loss"] for row in winning.history],
        "test": winning.metrics["test_loss"],
        "kept": sum(int(mask.sum()) for mask in masks.values()),
        "zero": all(not winning.weights[path][~mask].any() for path, mask in masks.items()),
    }
    print(json.dumps(found))


with tempfile.TemporaryDirectory() as temporary:
    main(Path(temporary))
