"""Pruning causal language models with calibration text, block by block: Wanda and SparseGPT."""

from keras_lottery.toolkit.calibrated.configs import CalibrationConfig, SparseGPTConfig, WandaConfig
from keras_lottery.toolkit.calibrated.prune import prune_calibrated

__all__ = ["CalibrationConfig", "SparseGPTConfig", "WandaConfig", "prune_calibrated"]
