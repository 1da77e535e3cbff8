"""Losses of the compiled training equal those of a plain torch loop, on every backend."""

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.validation import losses, plain_torch, trainer_losses

CASES = ("adam/dense", "adam/sparse", "sgd/sparse")


@pytest.fixture(scope="module")
def inputs():
    """The inputs of both trainings, with the loss read only every 20 steps."""
    return losses.make_inputs() | {"cases": np.array(CASES), "calls": np.array([20])}


@pytest.mark.backend
def test_200_steps(inputs):
    ours, plain = dict(trainer_losses.trained(inputs)), dict(plain_torch.trained(inputs))
    means = {case: of_steps.reshape(-1, 20).mean(axis=1) for case, of_steps in plain.items()}
    for case in CASES:
        expected, double = means[case], means.get(case.replace("adam", "adam_double"), means[case])
        assert ours[f"20/{case}"].shape == (10,)
        assert expected[-1] < expected[0] - 0.5, case
        # Training amplifies rounding, on some processors beyond the usual tolerance.
        tolerance = max(losses.TOLERANCE, 3 * np.abs(expected - double).max())
        assert tolerance < 2e-3
        np.testing.assert_allclose(ours[f"20/{case}"], expected, atol=tolerance, rtol=0)
    # The oracle itself feels what it is to catch: another mask, another rounding.
    assert np.abs(plain["adam/dense"] - plain["adam/sparse"]).max() > 0.1
    assert np.abs(plain["adam/dense"] - plain["adam_double/dense"]).max() > 1e-5


def test_the_first_adam_steps_are_keras_own():
    for step in (1, 2, 200):
        settings = plain_torch.adam_settings(step, 1e-3, single=True)
        assert settings["lr"] == pytest.approx(1e-3, rel=1e-4) and settings["lr"] != 1e-3
        assert settings["eps"] * (1 - 0.999**step) ** 0.5 == pytest.approx(1e-7)
    assert plain_torch.adam_settings(1, 1e-3, single=False).keys() == {"eps"}
