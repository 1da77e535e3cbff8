"""Every format of six kinds of networks: verified, or refused for a known reason."""

import pytest

import keras_lottery as kl
from benchmarks.export_models import MODELS, pruned
from benchmarks.export_table import FORMATS
from keras_lottery.exporters import exporters

pytestmark = pytest.mark.backend

# What a format can't do, by format and network, and a word of the reason.
REFUSED = {("onnx int8", "U-Net"): "a network without any"}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("form", FORMATS)
def test_it_is_verified_or_refused_for_a_reason(form, model, tmp_path):
    name, _, quantize = form.partition(" ")
    out = tmp_path / f"exported{exporters[name].suffix}"
    arguments = {"format": name, "quantize": quantize or None, "dense": False}
    masked = pruned(model)
    if (form, model) in REFUSED:
        with pytest.raises(kl.LotteryError, match=REFUSED[form, model]):
            kl.export(masked, out, **arguments)
        assert not list(tmp_path.iterdir())
        return
    report = kl.export(masked, out, **arguments)
    assert report.max_abs_difference <= report.tolerance
    assert report.stored[1] >= report.prunable_zeros > 0
