"""How the weight that is used is made from what is stored; one file each."""

from keras_lottery.masking.parametrizations.base import Extra, Parametrization, parametrizations

__all__ = ["Extra", "Parametrization", "parametrizations"]
