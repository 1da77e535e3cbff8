"""Trains a DQN agent on two virtual CPU devices; prints what it got.

Run as a script in a process of its own, since devices are made before TensorFlow starts.
"""

import json
import os

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
)

from tests.tasks.rl.devices_made import trained  # noqa: E402

print(json.dumps(trained("mirrored")))
