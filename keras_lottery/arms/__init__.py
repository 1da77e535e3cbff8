"""What is trained at a round: the winning ticket and the controls, one file each."""

from keras_lottery.registry import Registry
from keras_lottery.types import Arm

arms: Registry[Arm] = Registry("arm")
for _name in (
    "dense",
    "winning",
    "reinit",
    "permuted_layer",
    "permuted_global",
    "init_permuted",
    "one_shot",
    "winning_init",
):
    arms.register_lazily(_name, f"keras_lottery.arms.{_name}:{_name.upper()}")

__all__ = ["arms"]
