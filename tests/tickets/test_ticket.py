"""Tickets: the documented file format, applying to a model, and what is refused."""

import json

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from keras_lottery.errors import LotteryError
from keras_lottery.tickets import Ticket, preset_names, save_state
from keras_lottery.tickets import ticket as ticket_module

KERNEL, OUTPUT, BIAS = "layers/dense/kernel", "layers/output/kernel", "layers/dense/bias"


def made_ticket():
    rng = np.random.default_rng(0)
    start = {
        KERNEL: rng.standard_normal((3, 5)).astype(np.float32),
        OUTPUT: rng.standard_normal((5, 2)).astype(ml_dtypes.bfloat16),
        BIAS: np.zeros(5, np.float32),
    }
    masks = {KERNEL: np.arange(15).reshape(3, 5) % 2 == 0, OUTPUT: np.ones((5, 2), bool)}
    fills = {KERNEL: np.full((3, 5), 0.5, np.float32)}
    return Ticket(masks, start, fills, {"seed": 3, "arm": "winning"})


SHAPES = {path: value.shape for path, value in made_ticket().start.items()}


def test_round_trip(tmp_path):
    ticket = made_ticket()
    ticket.save(tmp_path / "t.safetensors")
    loaded = Ticket.load(tmp_path / "t.safetensors")
    masks = Ticket.load_masks(tmp_path / "t.safetensors")
    assert masks.keys() == loaded.masks.keys()
    assert all((masks[path] == mask).all() for path, mask in loaded.masks.items())
    for kind in ("masks", "start", "fills"):
        saved, again = getattr(ticket, kind), getattr(loaded, kind)
        assert saved.keys() == again.keys()
        for path in saved:
            assert saved[path].dtype == again[path].dtype
            np.testing.assert_array_equal(saved[path], again[path])
    assert loaded.provenance == ticket.provenance


def test_scores_are_no_masks_and_zeros_and_ones_are(tmp_path):
    start = {"k": np.ones(3)}
    with pytest.raises(LotteryError, match=r"mask of 'k'.*Received: the values -2.0, 0.0, 0.3"):
        Ticket({"k": np.array([0.3, -2.0, 0.0])}, start)
    Ticket({"k": [1, 0, 1]}, start, provenance={"round": np.int64(2)}).save(tmp_path / "t")
    loaded = Ticket.load(tmp_path / "t")
    assert loaded.masks["k"].tolist() == [True, False, True] and loaded.provenance["round"] == 2


def test_it_shows_as_one_line():
    line = "Ticket(18 of 25 weights kept (72.0%), 2 masks, seed 3, arm winning)"
    assert repr(made_ticket()) == line
    assert repr(Ticket({}, {})) == "Ticket(0 of 0 weights kept, 0 masks)"
    one = {"kernel": np.ones((2, 2), bool)}
    assert repr(Ticket(one, one)) == "Ticket(4 of 4 weights kept (100.0%), 1 mask)"


def test_equal_tickets_give_equal_bytes(tmp_path):
    made_ticket().save(tmp_path / "a")
    made_ticket().save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_is_readable_without_this_package(tmp_path):
    made_ticket().save(tmp_path / "t")
    with safe_open(tmp_path / "t", framework="np") as file:
        metadata = json.loads(file.metadata()["keras_lottery"])
        packed = file.get_tensor(f"mask/{KERNEL}")
        assert f"start/{BIAS}" in file.keys()  # noqa: SIM118
        assert f"fill/{KERNEL}" in file.keys()  # noqa: SIM118
    assert metadata["format"] == 1
    assert metadata["provenance"] == {"seed": 3, "arm": "winning"}
    assert packed.tolist() == [0b01010101, 0b01010101]
    mask = np.unpackbits(packed, count=15, bitorder="little").reshape(metadata["shapes"][KERNEL])
    np.testing.assert_array_equal(mask, made_ticket().masks[KERNEL])


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (8,), (9,), (2, 3, 4, 5)])
def test_masks_of_any_shape(tmp_path, shape):
    mask = np.random.default_rng(0).random(shape) < 0.5
    Ticket({"w": np.asarray(mask)}, {"w": np.zeros(shape)}).save(tmp_path / "t")
    loaded = Ticket.load(tmp_path / "t").masks["w"]
    assert (loaded.dtype, loaded.shape) == (np.bool_, shape)
    np.testing.assert_array_equal(loaded, mask)


def test_a_ticket_without_start_or_of_another_shape_is_an_error():
    with pytest.raises(LotteryError, match="none for w"):
        Ticket({"w": np.ones(3, bool)}, {})
    with pytest.raises(LotteryError, match=r"\(3,\) and \(4,\)"):
        Ticket({"w": np.ones(3, bool)}, {"w": np.ones(4)})


@pytest.mark.parametrize("length", [0, 10, 300, -1])
def test_a_truncated_file_is_refused(tmp_path, length):
    made_ticket().save(tmp_path / "t")
    (tmp_path / "t").write_bytes((tmp_path / "t").read_bytes()[:length])
    with pytest.raises(LotteryError, match=r"Received: .*t "):
        Ticket.load(tmp_path / "t")


def test_files_that_are_no_tickets_are_refused(tmp_path):
    save_file({"w": np.ones(3)}, tmp_path / "foreign")
    with pytest.raises(LotteryError, match="no metadata 'keras_lottery'"):
        Ticket.load(tmp_path / "foreign")
    save_file({"w": np.ones(3)}, tmp_path / "garbled", {"keras_lottery": "[1"})
    with pytest.raises(LotteryError, match="JSON"):
        Ticket.load(tmp_path / "garbled")
    save_state(tmp_path / "state", {"w": np.ones(3)})
    with pytest.raises(LotteryError, match="format None"):
        Ticket.load(tmp_path / "state")


@pytest.mark.parametrize(
    ("bits", "shape"),
    [
        (np.zeros(2, np.uint8), [3]),
        (np.zeros(1, np.int8), [3]),
        (np.zeros(1, np.uint8), "3"),
        (np.zeros(1, np.uint8), [-3]),
        (np.zeros(1, np.uint8), [4]),
        (np.zeros(1, np.uint8), None),
    ],
)
def test_masks_that_are_not_of_their_shape_are_refused(tmp_path, bits, shape):
    metadata = {"format": 1, "shapes": {} if shape is None else {"w": shape}}
    save_state(tmp_path / "t", {"mask/w": bits, "start/w": np.ones(3)}, metadata)
    with pytest.raises(LotteryError, match="Expected a ticket file"):
        Ticket.load(tmp_path / "t")


def test_a_later_format_is_refused(tmp_path):
    save_state(tmp_path / "t", {}, {"format": 2, "shapes": {}})
    with pytest.raises(LotteryError, match="format 2"):
        Ticket.load(tmp_path / "t")


def test_fits_the_model_it_was_made_for():
    ticket = made_ticket()
    masks, weights = ticket.fit(SHAPES)
    assert masks.keys() == ticket.masks.keys()
    assert weights.keys() == ticket.start.keys()


def test_excluded_variables_are_left_out():
    other_head = {**SHAPES, OUTPUT: (5, 10), "layers/output/bias": (10,)}
    masks, weights = made_ticket().fit(other_head, exclude=("*/output/*",))
    assert masks.keys() == {KERNEL}
    assert weights.keys() == {KERNEL, BIAS}


def test_what_does_not_fit_is_named():
    other = {KERNEL: (3, 6), BIAS: (5,), "new": ()}
    with pytest.raises(LotteryError) as caught:
        made_ticket().fit(other)
    message = str(caught.value)
    assert f"{KERNEL} (model: (3, 6), ticket: (3, 5))" in message
    assert f"{OUTPUT} (model: not there, ticket: (5, 2))" in message
    assert "new (model: (), ticket: not there)" in message
    assert BIAS not in message


def test_not_strict_takes_what_fits():
    masks, weights = made_ticket().fit({KERNEL: (3, 6), BIAS: (5,)}, strict=False)
    assert (list(masks), list(weights)) == ([], [BIAS])


def test_presets_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(ticket_module, "files", lambda package: tmp_path)
    assert preset_names() == []
    made_ticket().save(tmp_path / "presets_tickets" / "small.ticket.safetensors")
    assert preset_names() == ["small"]
    assert Ticket.from_preset("small").provenance["seed"] == 3
    with pytest.raises(LotteryError, match=r"known ticket preset.*Did you mean 'small'"):
        Ticket.from_preset("smal")


def test_a_path_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ticket = Ticket({"k": np.array([True, False])}, {"k": np.array([1.0, 2.0], "float32")})
    ticket.save("~/t.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]
    assert Ticket.load("~/t.safetensors").masks["k"].tolist() == [True, False]
    assert Ticket.load_masks("~/t.safetensors")["k"].tolist() == [True, False]
