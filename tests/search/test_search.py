"""Searching tickets of a model in memory."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.engine import progress
from keras_lottery.errors import LotteryError
from tests.keras_features import needs_schedule_free
from tests.training import kinds, made


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


@pytest.mark.backend
def test_the_model_is_left_as_it_was(history, model, before):
    assert type(model) is keras.Sequential
    assert not masking.is_masked(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not model.optimizer.built or int(model.optimizer.iterations) == 0


@pytest.mark.backend
def test_every_round_and_arm_is_there(history):
    found = [(t.round, t.arm) for t in history.results]
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
    steps = {t.arm: result.steps for t, result in history.results.items()}
    assert steps == {"dense": 12, "winning": 9, "one_shot": 9, "reinit": 12}


@pytest.mark.backend
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


@pytest.mark.backend
def test_excluded_variables_keep_their_weights_and_a_full_mask(history):
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


@pytest.mark.backend
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


@pytest.mark.backend
def test_the_first_training_alone_compiles_and_its_seconds_leave_that_out(history):
    results = list(history.results.values())
    has_compiler = keras.config.backend() != "torch"
    assert [result.compile_seconds > 0 for result in results] == [
        has_compiler and place == 0 for place in range(len(results))
    ]
    assert all(result.seconds > 0 for result in results)


@pytest.mark.backend
def test_two_searches_are_equal(history, model, data):
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to="3it", verbose=False)
    again = search.fit(model, *data, epochs=3, batch_size=32, validation_split=0.2)
    one, other = history.ticket(1), again.ticket(1)
    for path, mask in one.masks.items():
        assert np.array_equal(mask, other.masks[path])
    for path, value in history.trained(1).items():
        assert np.array_equal(value, again.trained(1)[path]), path


@pytest.mark.backend
def test_fine_tuning_keeps_the_trained_weights(model, data):
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to=None, verbose=False)
    history = search.fit(model, *data, epochs=2, batch_size=32)
    trained, ticket = history.trained(0), history.ticket(1)
    assert all(np.array_equal(v, ticket.start[p]) for p, v in trained.items())
    assert history.metric == "accuracy"


class Steps(keras.callbacks.Callback):
    """Counts the steps of each training."""

    def __init__(self):
        super().__init__()
        self.counts = []

    def on_train_begin(self, logs=None):
        self.counts.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.counts[-1] += 1


def data_of(kind, x, y):
    batches = kinds.Batches(x, y, size=40)
    if kind == "PyDataset":
        return {"x": batches}
    if kind == "arrays":
        return {"x": x, "y": y, "batch_size": 40, "steps_per_epoch": 4}
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(40)
    if kind == "unknown length":
        dataset = dataset.filter(lambda x, y: True)
    return {"x": dataset, "shuffle": False}


@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:.*seed=0 has no effect")
@pytest.mark.parametrize(
    ("kind", "point", "left"),
    [
        ("arrays", "5it", 3), ("arrays", "1ep", 4), ("PyDataset", "5it", 3), ("tf.data", "5it", 3),
        ("unknown length", "1ep", 4),
    ],
)  # fmt: skip
def test_a_rewound_ticket_trains_the_steps_that_are_left(kind, point, left, data):
    x, y = data
    model = made.compiled(made.network(), keras.optimizers.Adam(0.01))
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to=point, verbose=False)
    steps = Steps()
    history = search.fit(model, **data_of(kind, x, y), epochs=2, callbacks=steps)
    assert steps.counts == [8, left]
    assert [r.steps for r in history.results.values()] == [8, left]
    assert history.ticket(1).provenance["measured_on"] == history.measured_on == "training"


@pytest.mark.backend
def test_a_ticket_of_nothing_pruned_is_the_rest_of_the_dense_training(data):
    """With the order of the seed, a network that continues ends where the dense one did."""
    model = made.compiled(made.network(), keras.optimizers.Adam(0.01))
    search = kl.TicketSearch(rounds=1, rate=1e-9, rewind_to="5it", verbose=False)
    history = search.fit(model, **data_of("PyDataset", *data), epochs=2)
    for path, value in history.trained(0).items():
        np.testing.assert_allclose(history.trained(1)[path], value, rtol=1e-5, atol=1e-6)


@pytest.mark.backend
def test_the_best_step_is_that_of_a_validation(model, data):
    search = kl.TicketSearch(rounds=1, rate=0.5, verbose=False)
    settings = {"epochs": 5, "batch_size": 32, "validation_data": data, "validation_freq": 2}
    history = search.fit(model, *data, **settings)
    dense = next(iter(history.results.values()))
    measured = {row["step"]: row["val_loss"] for row in dense.history if "val_loss" in row}
    assert [row["step"] for row in dense.history] == [5, 10, 15, 20, 25]
    assert list(measured) == [10, 20, 25]  # the last epoch always
    assert dense.best_step == min(measured, key=measured.get)
    assert dense.final_value == dense.history[-1]["val_accuracy"]
    assert "accuracy, measured on the validation data" in str(history)


@keras.saving.register_keras_serializable("tests")
class Same(keras.Initializer):
    """Returns the same values always, and says so nowhere."""

    def __call__(self, shape, dtype=None):
        return np.random.default_rng(7).normal(size=shape).astype("float32")


def test_a_control_that_would_be_the_ticket_is_refused(data):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, kernel_initializer=Same())])
    search = kl.TicketSearch(1, 0.5, arms=("winning", "reinit"), verbose=False)
    with pytest.raises(LotteryError, match="attribute `seed`"):
        search.fit(made.compiled(model), *data)


def test_progress_is_reported_within_a_training(model, data, monkeypatch):
    updates = []
    monkeypatch.setattr(progress.Steps, "update", lambda self, *values: updates.append(values))
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
    with pytest.raises(LotteryError, match="before the end of the training at step 5"):
        kl.TicketSearch(rewind_to="1ep", verbose=False).fit(model, *data)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"x": None}, "x=None. Pass arrays"),
        ({"epochs": 0}, "epochs, a whole number from 1.*Received: 0"),
        ({"epochs": 1.5}, "epochs, .*Received: 1.5"),
        ({"seed": 1}, r"seed=1. Pass it to TicketSearch\(seeds=...\)"),
        ({"initial_epoch": 1}, "rewind_to"),
        ({"validation_frequency": 2}, "Did you mean 'validation_freq'"),
        ({"validation_freq": 0}, "validation_freq, a whole number from 1"),
        ({"x": iter("ab")}, "x is a str_.*iterator, which yields each batch once. Pass arrays"),
        ({"validation_data": (_ for _ in "ab")}, "validation_data is a generator"),
    ],
)
def test_what_a_search_cannot_take_is_named(settings, message, model, data):
    with pytest.raises(LotteryError, match=message):
        kl.TicketSearch(verbose=False).fit(model, **{"x": data[0], "y": data[1]} | settings)


def test_a_pruned_model_is_refused(data):
    pruned = kl.mask(made.compiled(made.network()))
    kl.prune(pruned, sparsity=0.5)
    with pytest.raises(LotteryError, match=r"dense model.*50.0%"):
        kl.TicketSearch(verbose=False).fit(pruned, *data)


@pytest.mark.backend
def test_data_without_end_need_a_length_of_the_epoch(model, data):
    class Endless(kinds.Batches):
        num_batches = None

    with pytest.raises(LotteryError, match="Pass steps_per_epoch"):
        kl.TicketSearch(verbose=False).fit(model, Endless(*data))
    search, steps = kl.TicketSearch(1, 0.5, rewind_to="3it", verbose=False), Steps()
    settings = {"steps_per_epoch": 2, "epochs": 3, "callbacks": [steps]}
    search.fit(model, Endless(*data, size=16), **settings)
    assert steps.counts == [6, 3]


@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:.*seed=0 has no effect")
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("arrays", {"criterion": "taylor", "pattern": "channels"}),
        ("PyDataset", {"criterion": "taylor"}),
        ("unknown length", {"arms": ("init_snip",)}),
    ],
)
def test_derivatives_come_from_the_data_of_the_search(kind, settings, data):
    x, y = data
    model = made.compiled(made.network(), keras.optimizers.SGD(0.1))
    search = kl.TicketSearch(rounds=1, rate=0.5, verbose=False, **settings)
    history = search.fit(model, **data_of(kind, x, y), epochs=1)
    arm = settings.get("arms", ("winning",))[0]
    scored = history.trained(0) if arm == "winning" else masking.get_weights(model)
    expected = made.compiled(made.network())
    masking.set_weights(expected, scored)
    criterion, pattern = settings.get("criterion", "snip"), settings.get("pattern", "weights")
    kl.prune(expected, 0.5, criterion, data=data, pattern=pattern)
    masks = history.ticket(1, arm).masks
    assert masks.keys() == masking.get_masks(expected).keys()
    for path, mask in masking.get_masks(expected).items():
        np.testing.assert_array_equal(masks[path], mask)


@pytest.mark.backend
def test_weights_of_examples_count_in_derivatives(data):
    x, y = data
    first = np.where(y == 0, 1.0, 0.0).astype("float32")
    settings = {"criterion": "taylor", "pattern": "channels", "rounds": 1, "rate": 0.5}
    masks = []
    for weights in ({"sample_weight": first}, {"class_weight": {0: 1.0, 1: 0.0, 2: 0.0}}):
        model = made.compiled(made.network(), keras.optimizers.SGD(0.1))
        history = kl.TicketSearch(verbose=False, **settings).fit(model, x, y, **weights)
        masks.append(history.ticket(1).masks)
        expected = made.compiled(made.network())
        masking.set_weights(expected, history.trained(0))
        only = (x[y == 0], y[y == 0])
        kl.prune(expected, 0.5, "taylor", data=only, pattern="channels")
        for path, mask in masking.get_masks(expected).items():
            np.testing.assert_array_equal(masks[-1][path], mask)


@pytest.mark.parametrize("settings", [{"criterion": "taylor"}, {"arms": ("init_snip",)}])
def test_data_without_targets_are_refused_before_training(settings, data):
    model = made.compiled(made.network())
    steps = Steps()
    search = kl.TicketSearch(rounds=1, rate=0.5, verbose=False, **settings)
    with pytest.raises(LotteryError, match="data with targets for a criterion"):
        search.fit(model, kinds.Batches(data[0], size=40), callbacks=[steps])
    assert steps.counts == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criterion": "batch_norm_scale"}, "pattern='channels' with the criterion"),
        ({"pattern": "channels", "scope": "erk"}, "a scope other than 'erk'"),
        ({"pattern": "2:4", "arms": ("inertial_manifold",)}, "arms that can prune 2:4"),
    ],
)
def test_choices_that_do_not_go_together_are_refused_at_once(settings, message):
    with pytest.raises(LotteryError, match=message):
        kl.TicketSearch(**settings)


def test_rounds_that_cannot_be_reached_are_refused_before_training(data):
    model = made.compiled(made.network())
    steps = Steps()
    search = kl.TicketSearch(rounds=4, rate=0.2, pattern="8:16", verbose=False)
    with pytest.raises(LotteryError, match=r"at round 4 .*N of every M weights"):
        search.fit(model, *data, callbacks=[steps])
    assert steps.counts == []


def test_tickets_of_channels_become_smaller_networks(model, data):
    x, y = data
    search = kl.TicketSearch(rounds=1, rate=0.5, pattern="channels", verbose=False)
    ticket = search.fit(model, x, y, epochs=1, batch_size=32).ticket(round=1)
    assert ticket.masks["layers/dense/kernel"].any(axis=0).sum() == 8
    assert ticket.masks["layers/dense/bias"].sum() == 8
    small = kl.compact(ticket.apply(keras.models.clone_model(model)))
    assert small.count_params() == 6 * 8 + 8 + 4 * 8 + 8 * 3 + 3
    with pytest.raises(LotteryError, match=r"pattern.*Did you mean 'channels'"):
        kl.TicketSearch(pattern="channel")


@pytest.fixture(scope="module")
def seeds(model, data):
    search = kl.TicketSearch(
        1, 0.5, arms=("winning", "reinit"), seeds=(3, 5), reinitialize=True, verbose=False
    )
    return search.fit(model, *data, epochs=2, batch_size=32)


@pytest.mark.backend
def test_each_seed_is_a_search_of_its_own(seeds, before):
    assert {t.seed for t in seeds.results} == {3, 5} and len(seeds.results) == 6
    first, second = (seeds.ticket(1, seed=seed).start for seed in (3, 5))
    kernel = "layers/dense/kernel"
    assert np.array_equal(first[kernel], before[0])  # the model's own weights
    assert not np.array_equal(second[kernel], first[kernel])  # newly initialized ones
    made = seeds.ticket(1).provenance
    assert made["seed"] == 3 and made["seeds"] == 2 and made["remaining"] == pytest.approx(0.5)
    assert made["difference"][0] == pytest.approx(seeds.values()[1] - seeds.values()[0])
    single = [seeds.results[t].final_value for t in seeds.results if t.arm == "winning"]
    assert seeds.values()[1] == pytest.approx(np.mean(single))
    assert seeds.remaining() == {0: 1.0, 1: pytest.approx(0.5)}
    with pytest.raises(LotteryError, match=r"Received: 4\. Known: 3, 5"):
        seeds.ticket(1, seed=4)


@pytest.mark.backend
def test_the_trained_network_comes_out_as_a_model(history, model, data):
    network = history.model(round=2)
    trained = history.trained(2)
    assert all(np.array_equal(v, trained[p]) for p, v in masking.get_weights(network).items())
    assert kl.summary(network).kept == sum(int(m.sum()) for m in history.ticket(2).masks.values())
    assert int(network.optimizer.iterations) == 0
    kl.fit(network, *data, batch_size=32, verbose=0)
    assert np.array_equal(history.trained(2)["layers/dense/kernel"], trained["layers/dense/kernel"])
    plain = kl.strip(history.model(round=2))
    assert not masking.is_masked(plain)


def test_a_history_is_a_table_a_figure_and_a_folder(seeds, tmp_path):
    frame = seeds.to_pandas()
    assert list(frame.columns[:5]) == ["seed", "round", "arm", "draw", "remaining"]
    assert len(frame) == 6 and set(frame["kept"]) == {144, 72}
    folder = seeds.save(tmp_path / "search")
    assert len((folder / "results.csv").read_text().splitlines()) == 7
    loaded = kl.Ticket.load(folder / "seed_5/round_01/winning.ticket.safetensors")
    expected = seeds.ticket(1, seed=5)
    assert all(np.array_equal(mask, expected.masks[p]) for p, mask in loaded.masks.items())
    with pytest.raises(LotteryError, match="new or an empty folder"):
        seeds.save(folder)
    assert seeds.plot()._repr_png_().startswith(b"\x89PNG")
    labels = seeds.plot().axes[0].get_legend_handles_labels()[1]
    assert {"dense", "winning", "reinit"} <= set(labels)
    assert seeds._repr_html_().count("<tr") == 7


def test_the_best_ticket_is_the_sparsest_within_the_tolerance(history, monkeypatch):
    assert np.array_equal(
        history.best(within=1.0).masks["layers/dense/kernel"],
        history.ticket(2).masks["layers/dense/kernel"],
    )
    with pytest.raises(LotteryError, match="within, a finite number from 0"):
        history.best(within=-1.0)
    monkeypatch.setattr(history, "values", lambda arm="winning": {0: 0.9, 1: 0.5})
    with pytest.raises(
        LotteryError, match=r"val_accuracy is within 0\.1 of dense\. Received: none"
    ):
        history.best(within=0.1)


@pytest.mark.backend
@needs_schedule_free
def test_an_optimizer_that_copies_the_weights_trains_those_of_each_arm(data):
    model = made.compiled(made.network(), keras.optimizers.ScheduleFreeAdamW(1e-8))
    search = kl.TicketSearch(rounds=1, rate=0.5, arms=("winning", "reinit"), verbose=False)
    history = search.fit(model, *data, batch_size=32)
    for arm in ("winning", "reinit"):
        start, masks = history.ticket(1, arm).start, history.ticket(1, arm).masks
        for path, weights in history.trained(1, arm).items():
            kept = masks.get(path, True)
            np.testing.assert_allclose(weights, np.where(kept, start[path], 0), atol=1e-5)


def test_arms_that_freeze_pruned_weights_keep_their_values(data, model, before):
    search = kl.TicketSearch(rounds=1, rate=0.5, arms=("winning", "freeze_init"), verbose=False)
    history = search.fit(model, *data, batch_size=32)
    paths = list(history.ticket(1).masks)
    initial = {path: np.asarray(v) for path, v in zip(paths, (before[0], before[-2]))}
    for arm in ("winning", "freeze_init"):
        masks, trained = history.ticket(1, arm).masks, history.trained(1, arm)
        for path in paths:
            pruned = ~masks[path]
            expected = initial[path][pruned] if arm == "freeze_init" else 0
            assert pruned.any() and np.all(trained[path][pruned] == expected)


def test_metrics_with_several_values_do_not_rank_tickets(data):
    x, y = data
    model = made.network()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=[keras.metrics.F1Score(average=None), "accuracy"])
    history = kl.TicketSearch(rounds=1, verbose=False).fit(model, x, keras.utils.to_categorical(y))
    assert history.metric == "accuracy" and history.values()[1]


@pytest.mark.backend
def test_a_ticket_leaves_nothing_of_one_that_was_applied_before():
    model = made.network()
    paths = {"layers/dense/kernel": (6, 16), "layers/dense_1/kernel": (16, 3)}
    masks = {path: np.arange(np.prod(s)).reshape(s) % 2 == 0 for path, s in paths.items()}
    fills = {path: np.full(shape, 7, np.float32) for path, shape in paths.items()}
    start = masking.get_weights(model)
    kl.Ticket(masks, start, fills).apply(model)
    kl.Ticket(masks, start, {"layers/dense/kernel": fills["layers/dense/kernel"] - 4}).apply(model)
    effective = masking.effective_weights(model)
    for path, value in (("layers/dense/kernel", 3), ("layers/dense_1/kernel", 0)):
        assert np.all(effective[path][~masks[path]] == value)


@keras.saving.register_keras_serializable("tests")
class Distiller(keras.Model):
    """Keras can't repeat its `compile`, which takes one more argument."""

    def __init__(self, **config):
        super().__init__(**config)
        self.dense = keras.layers.Dense(3)

    def build(self, shape):
        self.dense.build(shape)
        super().build(shape)

    def call(self, x):
        return self.dense(x)

    def compile(self, optimizer, alpha):
        super().compile(optimizer=optimizer, loss="mse")
        self.alpha = alpha


@pytest.mark.filterwarnings("ignore")
def test_a_compile_that_cannot_be_repeated_is_an_error():
    model = Distiller()
    model.build((None, 2))
    model.compile(keras.optimizers.SGD(0.01), alpha=0.3)
    with pytest.raises(LotteryError, match=r"Received: Distiller.*Add get_compile_config"):
        kl.TicketSearch(1, 0.5, verbose=False).fit(model, np.ones((8, 2)), np.ones((8, 3)))


def test_arms_that_the_network_lacks_layers_for_are_errors_before_any_training(model, data):
    search = kl.TicketSearch(1, 0.5, arms=("winning", "layers_shuffled"), verbose=False)
    untouched = model.get_weights()

    class Fails(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise AssertionError("it has trained")

    with pytest.raises(LotteryError, match=r"layers that are alike.*Leave layers_shuffled out"):
        search.fit(model, *data, callbacks=[Fails()])
    assert all(np.array_equal(a, b) for a, b in zip(untouched, model.get_weights(), strict=True))


class Prune(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        kl.prune(self.model, 0.5)


@pytest.mark.parametrize(
    ("callback", "said"),
    [(kl.callbacks.GradualPruning(0.5, end_step=4), "GradualPruning"), (Prune(), "the mask of")],
)
def test_a_callback_that_prunes_is_an_error(callback, said, model, data):
    with pytest.raises(LotteryError, match=rf"leave the masks alone.*{said}.*Leave it out"):
        kl.TicketSearch(rounds=1, verbose=False).fit(model, *data, callbacks=[callback])


class StopsLater(keras.callbacks.Callback):
    """Ends every training but the first one after an epoch."""

    trained = 0

    def on_train_begin(self, logs=None):
        self.trained += 1

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = self.trained > 1


def test_all_networks_are_measured_by_the_same_metric(model, data):
    search = kl.TicketSearch(1, 0.5, verbose=False)
    settings = {"validation_split": 0.2, "validation_freq": 2, "callbacks": [StopsLater()]}
    with pytest.raises(LotteryError, match="Expected the val_accuracy of every network"):
        search.fit(model, *data, epochs=2, batch_size=32, **settings)


@pytest.mark.backend
def test_every_arm_has_the_learning_rates_of_the_dense_network_at_its_steps(data):
    rates = {}

    class Rates(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            rates.setdefault(len(found), {})[epoch] = round(float(rate), 6)

        def on_train_end(self, logs=None):
            found.append(None)

    found = []
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([12, 17], [0.1, 0.01, 0.001])
    model = made.compiled(made.network(), keras.optimizers.SGD(schedule))
    arms = ("winning", "random_mask", "learning_rate_rewind", "fine_tune")
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to="2ep", arms=arms, verbose=False)
    history = search.fit(model, *data, epochs=5, batch_size=32, callbacks=[Rates()])
    dense, *others = rates.values()
    assert dense == {0: 0.1, 1: 0.1, 2: 0.1, 3: 0.01, 4: 0.001}
    by_arm = dict(zip([t.arm for t in history.results][1:], others, strict=True))
    for arm in arms[:3]:
        assert by_arm[arm] == {epoch: dense[epoch] for epoch in (2, 3, 4)}
    assert set(by_arm["fine_tune"].values()) == {0.001}
    own = history.model(1).optimizer
    assert isinstance(own.get_config()["learning_rate"], dict)
    assert float(keras.ops.convert_to_numpy(own.learning_rate)) == pytest.approx(0.1)


@pytest.mark.backend
def test_values_are_those_of_the_weights_that_a_callback_restored(data):
    x, y = data
    model = made.compiled(made.network(), keras.optimizers.Adam(0.5))
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to="1ep", verbose=False)
    held_out = (x[:40], y[:40])
    history = search.fit(
        model, x[40:], y[40:], epochs=8, batch_size=32, validation_data=held_out, callbacks=[stop]
    )
    for number, value in history.values().items():
        measured = history.model(number).evaluate(*held_out, verbose=0, return_dict=True)
        assert value == pytest.approx(measured["accuracy"], abs=1e-6)
