"""Virtual CPU devices for a script in a process of its own; imported before the backend starts.

The script is called with the backend, the distribution, how many devices, and what it likes.
"""

import os
import sys

BACKEND, DISTRIBUTION, DEVICES, REST = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
os.environ["KERAS_BACKEND"] = BACKEND
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if BACKEND == "jax":
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    os.environ["XLA_FLAGS"] = flags.strip()
else:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(DEVICES)]
    )
