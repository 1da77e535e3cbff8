"""The models and data of the tests of masking."""

from tests.masking.conftest import compiled, data, fresh_seeds, mlp

__all__ = ["compiled", "data", "fresh_seeds", "mlp"]
