"""Searching tickets of a model in memory."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.engine.progress import ProgressBar
from keras_lottery.errors import LotteryError
from tests.training import made

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def data():
    return made.blobs(examples=160)


@pytest.fixture(scope="module")
def model():
    return made.compiled(made.network(dropout=0.1, norm=True), keras.optimizers.Adam(0.01))


@pytest.fixture(scope="module")
def before(model):
    return model.get_weights()


@pytest.fixture(scope="module")
def history(model, before, data):
    search = kl.TicketSearch(
        rounds=2, rate=0.5, rewind_to="3it", arms=("winning", "reinit", "one_shot"), verbose=False
    )
    x, y = data
    return search.fit(model, x, y, epochs=3, batch_size=32, validation_split=0.2)


def test_the_model_is_left_as_it_was(history, model, before):
    assert type(model) is keras.Sequential
    assert not masking.is_masked(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not model.optimizer.built or int(model.optimizer.iterations) == 0


def test_every_round_and_arm_is_there(history):
    found = [(o.training.round, o.training.arm) for o in history.outcomes]
    assert found == [
        (0, "dense"),
        (1, "winning"),
        (1, "reinit"),
        (1, "one_shot"),
        (2, "winning"),
        (2, "reinit"),
        (2, "one_shot"),
    ]
    assert history.metric == "val_accuracy" and history.higher_is_better
    assert set(history.values()) == {0, 1, 2}
    assert "reinit" in str(history)
    steps = {o.training.arm: o.steps for o in history.outcomes}
    assert steps == {"dense": 12, "winning": 9, "one_shot": 9, "reinit": 12}


def test_tickets_have_exact_counts_and_apply_to_a_new_model(history, tmp_path):
    ticket = history.ticket(round=2)
    prunable = 6 * 16 + 16 * 3
    kept = sum(int(m.sum()) for m in ticket.masks.values())
    assert kept == prunable - prunable // 2 - (prunable - prunable // 2) // 2
    ticket.save(tmp_path / "t.safetensors")
    other = made.compiled(made.network(dropout=0.1, norm=True, seed=9))
    kl.Ticket.load(tmp_path / "t.safetensors").apply(other)
    masks = masking.get_masks(other)
    for path, mask in ticket.masks.items():
        assert np.array_equal(masks[path], mask)
        expected = np.where(mask, ticket.start[path], 0)
        assert np.array_equal(masking.get_weights(other)[path], expected)


def test_what_is_excluded_keeps_its_weights_and_a_full_mask(history):
    other = made.network(dropout=0.1, norm=True, seed=9)
    before = masking.get_weights(other)
    ticket = history.ticket(round=2)
    ticket.apply(other, exclude=("*/dense_1/*",))
    after = masking.get_weights(other)
    assert np.array_equal(before["layers/dense_1/kernel"], after["layers/dense_1/kernel"])
    assert "layers/dense_1/kernel" not in masking.get_masks(other)
    assert not masking.get_masks(other)["layers/dense/kernel"].all()
    wider = made.network(classes=5, seed=9, norm=True, dropout=0.1)
    with pytest.raises(LotteryError, match="layers/dense_1/kernel"):
        ticket.apply(wider)


def test_a_ticket_with_fills_freezes_its_pruned_weights(history):
    ticket = history.ticket(round=2)
    fills = {path: ticket.start[path] for path in ticket.masks}
    frozen = kl.Ticket(ticket.masks, ticket.start, fills)
    other = frozen.apply(made.compiled(made.network(dropout=0.1, norm=True, seed=9)))
    other.fit(*made.blobs(), epochs=1, verbose=0)
    used = masking.effective_weights(other)
    for path, mask in ticket.masks.items():
        assert np.array_equal(used[path][~mask], ticket.start[path][~mask])
        assert (used[path][mask] != ticket.start[path][mask]).any()


def test_an_unknown_round_lists_the_known_ones(history):
    with pytest.raises(LotteryError, match="2 winning"):
        history.ticket(round=3)


def test_two_searches_are_equal(history, model, data):
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to="3it", verbose=False)
    again = search.fit(model, *data, epochs=3, batch_size=32, validation_split=0.2)
    one, other = history.ticket(1), again.ticket(1)
    for path, mask in one.masks.items():
        assert np.array_equal(mask, other.masks[path])
    for path, value in history.trained(1).items():
        assert np.array_equal(value, again.trained(1)[path]), path


def test_fine_tuning_keeps_the_trained_weights(model, data):
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to=None, verbose=False)
    history = search.fit(model, *data, epochs=2, batch_size=32)
    trained, ticket = history.trained(0), history.ticket(1)
    assert all(np.array_equal(v, ticket.start[p]) for p, v in trained.items())
    assert history.metric == "accuracy"


def test_other_data_and_user_callbacks(model, data):
    x, y = data

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return x[40 * i : 40 * i + 40], y[40 * i : 40 * i + 40]

    class Count(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            Count.epochs += 1

    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to="1ep", verbose=False)
    history = search.fit(model, Batches(), epochs=2, callbacks=[Count()])
    assert Count.epochs == 2 + 1
    assert len(history.outcomes) == 2


def test_progress_is_reported_within_a_training(model, data, monkeypatch):
    updates = []
    monkeypatch.setattr(ProgressBar, "update", lambda self, *values: updates.append(values))
    x, y = data
    search = kl.TicketSearch(rounds=1, rate=0.5)
    history = search.fit(model, x, y, epochs=2, batch_size=len(x))
    assert [values[:2] for values in updates] == [(1, 2), (2, 2)] * 2
    assert all(values[2] > 0 for values in updates)
    assert repr(history) == str(history) and "winning" in repr(history)


def test_mistakes_are_named(model, data):
    with pytest.raises(LotteryError, match="rate"):
        kl.TicketSearch(rate=1.2)
    with pytest.raises(LotteryError, match="Did you mean 'reinit'"):
        kl.TicketSearch(arms=("renit",))
    with pytest.raises(LotteryError, match=r"'edge_popup', which trains a mask"):
        kl.TicketSearch(arms=("winning", "edge_popup"))
    with pytest.raises(LotteryError, match="500it"):
        kl.TicketSearch(rewind_to="soon")
    with pytest.raises(LotteryError, match="compile"):
        kl.TicketSearch(verbose=False).fit(made.network(), *data)
    with pytest.raises(LotteryError, match="rewind point"):
        kl.TicketSearch(rewind_to="9ep", verbose=False).fit(model, *data, epochs=2)
