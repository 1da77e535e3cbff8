"""Parametrizations: how the effective weight is computed from the stored one; one file each."""

from keras_lottery.masking.parametrizations.base import Extra, Parametrization, parametrizations

__all__ = ["Extra", "Parametrization", "parametrizations"]
