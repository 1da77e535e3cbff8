"""Distributing the replicas of a model: one device, several, or a TPU."""

import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras

from keras_lottery.backend import runtime
from keras_lottery.errors import LotteryError, unknown_name


@dataclass(frozen=True)
class Distribution:
    """How a training is distributed over devices.

    Args:
        name: `none`, `mirrored`, `tpu` or `data_parallel`.
        replicas: copies of the model; each gets an equal share of the batch.
        strategy: a `tf.distribute.Strategy`, a `keras.distribution.Distribution`, or None.
    """

    name: str = "none"
    replicas: int = 1
    strategy: Any = None

    def scope(self) -> AbstractContextManager[Any]:
        """Returns the context in which to create model, masks and optimizer."""
        return self.strategy.scope() if self.strategy is not None else nullcontext()

    def check_batch(self, batch_size: int) -> None:
        """Raises LotteryError if the replicas can't share the batch evenly."""
        if batch_size % self.replicas:
            raise LotteryError(
                f"Expected batches that {self.replicas} replicas can share evenly. Received: "
                f"a batch of {batch_size}. Choose a multiple of {self.replicas} as "
                "train.batch_size, or data.envs under PPO; with train.drop_remainder=False, the "
                "last batch must be a multiple too."
            )

    def check_batch_norm(self, layers: Iterable[keras.Layer]) -> None:
        """Warns if batch norm computes its statistics per replica."""
        # On JAX, one program over all devices sees the whole batch.
        if self.replicas == 1 or self.name == "data_parallel":
            return
        norms = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
        local = [x.name for x in norms if not x.synchronized]
        if local:
            warnings.warn(
                f"Batch norm computes its statistics per replica ({self.replicas} replicas) in "
                f"{', '.join(local)}, so results differ from those of one device. "
                "Build it with synchronized=True.",
                stacklevel=3,
            )


def is_distributed(model: keras.Model) -> bool:
    """Returns True for a model on several devices, by `keras.distribution` or `tf.distribute`."""
    if keras.distribution.distribution() is not None:
        return True
    return runtime.name() == "tensorflow" and model.distribute_strategy.num_replicas_in_sync > 1


def scope_of(model: keras.Model) -> AbstractContextManager[Any]:
    """Returns the context in which to copy a model, so that the copy is on the same devices."""
    if runtime.name() == "tensorflow" and is_distributed(model):
        scope: AbstractContextManager[Any] = model.distribute_strategy.scope()
        return scope
    return nullcontext()


def make(name: str, tpu: str = "") -> Distribution:
    """Returns the named distribution over all visible devices.

    Args:
        name: `none`, `mirrored`, `tpu` (tf.distribute) or `data_parallel` (JAX).
        tpu: `tpu`: name or address of the TPU; empty lets TensorFlow find it.

    Raises:
        LotteryError: the backend doesn't support it, or the devices are missing.
    """
    makers = {"mirrored": _mirrored, "tpu": lambda: _tpu(tpu), "data_parallel": _data_parallel}
    if name == "none":
        return Distribution()
    if name not in makers:
        raise unknown_name("distribution", name, ["none", *makers])
    required = "jax" if name == "data_parallel" else "tensorflow"
    if runtime.name() != required:
        raise LotteryError(
            f"Expected the {required} backend for --distribution={name}. "
            f"Received: {runtime.name()}. Add --backend={required}."
        )
    return makers[name]()


def _mirrored() -> Distribution:
    import tensorflow as tf

    devices = [d.name for kind in ("GPU", "CPU") for d in tf.config.list_logical_devices(kind)]
    accelerators = [d for d in devices if "GPU" in d]
    strategy = tf.distribute.MirroredStrategy(accelerators or devices)
    return Distribution("mirrored", strategy.num_replicas_in_sync, strategy)


def _tpu(tpu: str) -> Distribution:
    import tensorflow as tf

    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu or None)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        strategy = tf.distribute.TPUStrategy(resolver)
    except Exception as error:
        # TensorFlow raises errors of many unrelated types here.
        raise LotteryError(
            f"Expected a TPU that can be reached. Received: --tpu={tpu!r} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}). "
            "Check the name, or leave --distribution out."
        ) from error
    return Distribution("tpu", strategy.num_replicas_in_sync, strategy)


def _data_parallel() -> Distribution:
    strategy = keras.distribution.DataParallel(auto_shard_dataset=False)
    return Distribution("data_parallel", len(keras.distribution.list_devices()), strategy)
