"""`GradualPruning` follows the optimizer's clock, whatever fit it runs in."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit, training
from keras_lottery.errors import LotteryError
from keras_lottery.toolkit.callbacks import GradualPruning, SparsityLogger, gradual_pruning
from tests.training import made

pytestmark = [pytest.mark.backend, pytest.mark.filterwarnings("error::UserWarning")]

X, Y = made.blobs()  # 120 examples: 8 steps of 15 an epoch
SETTINGS = {"batch_size": 15, "shuffle": False, "verbose": 0}
# Sparsities at steps 8, 16 and 24 of a cubic from 0 to 0.9.
SPARSITIES = [0.9 * (1 - (2 / 3) ** 3), 0.9 * (1 - (1 / 3) ** 3), 0.9]


def keras_fit(model, *args, **settings):
    return model.fit(*args, **settings)


both_fits = pytest.mark.parametrize("fit", [keras_fit, training.fit], ids=["keras", "lottery"])


def model(optimizer="adam", **settings):
    return made.compiled(made.network(), optimizer, **settings)


def gradual(final=0.9, end=24, **settings):
    return GradualPruning(final, end, **{"frequency": 8} | settings)


def sparsity(model):
    return toolkit.summary(model).sparsity


@pytest.fixture
def prunings(monkeypatch):
    """What was pruned: the batches that the optimizer has seen, and the sparsity asked for."""
    found, prune = [], gradual_pruning.prune_selected

    def record(model, sparsity, options, dry_run=False, **settings):
        if not dry_run:
            found.append((masking.iterations(model), pytest.approx(sparsity)))
        return prune(model, sparsity, options, dry_run=dry_run, **settings)

    monkeypatch.setattr(gradual_pruning, "prune_selected", record)
    return found


def user_warnings(caught):
    return [str(one.message) for one in caught if one.category is UserWarning]


class Interrupt(keras.callbacks.Callback):
    """Ends a fit as a killed process does, without on_train_end."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@both_fits
def test_prunes_at_its_steps_the_first_before_any_update(fit, prunings):
    pruned = model()
    callback = gradual(initial_sparsity=0.5, end=20, frequency=12)
    fit(pruned, X, Y, epochs=3, callbacks=[callback], **SETTINGS)
    assert prunings == [(0, 0.5), (12, callback.schedule.sparsity(12)), (20, 0.9)]
    assert sparsity(pruned) == pytest.approx(0.9, abs=0.01)


@both_fits
def test_a_second_fit_continues_and_a_lower_schedule_waits(fit, prunings):
    pruned = model()
    fit(pruned, X, Y, epochs=3, callbacks=[gradual()], **SETTINGS)
    prunings.clear()
    later = gradual(0.95, 40)
    fit(pruned, X, Y, initial_epoch=3, epochs=5, callbacks=[later], **SETTINGS)
    assert prunings == [(32, later.schedule.sparsity(32)), (40, 0.95)]
    fit(pruned, X, Y, epochs=1, callbacks=[gradual(0.5, 48)], **SETTINGS)
    assert sparsity(pruned) == pytest.approx(0.95, abs=0.01)
    assert len(prunings) == 2


@pytest.mark.parametrize(("fit", "backup_first"), [(keras_fit, False), (training.fit, True)])
def test_an_interrupted_training_resumes_to_the_same_masks(fit, backup_first, tmp_path, prunings):
    def callbacks(*more):
        backup = keras.callbacks.BackupAndRestore(str(tmp_path))
        return [*([backup, gradual()] if backup_first else [gradual(), backup]), *more]

    whole, resumed = model(), model()
    fit(whole, X, Y, epochs=3, callbacks=[gradual()], **SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        fit(model(), X, Y, epochs=3, callbacks=callbacks(Interrupt(2)), **SETTINGS)
    prunings.clear()
    fit(resumed, X, Y, epochs=3, callbacks=callbacks(), **SETTINGS)
    assert prunings == [(24, 0.9)]
    masks = masking.get_masks(resumed)
    for path, expected in masking.get_masks(whole).items():
        np.testing.assert_array_equal(masks[path], expected)
    for weight, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_loaded_checkpoint_sets_the_clock_also_in_the_midst_of_a_fit(tmp_path, prunings):
    path = str(tmp_path / "epoch.weights.h5")

    class Reload(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.save_weights(path)
            if epoch == 2:
                self.model.load_weights(path)

    pruned = model()
    pruned.fit(X, Y, epochs=4, callbacks=[gradual(), Reload()], **SETTINGS)
    first, second, last = SPARSITIES
    assert prunings == [(8, first), (16, second), (16, second), (24, last)]
    other = toolkit.mask(model())
    other.optimizer.build(other.trainable_variables)
    other.load_weights(path)
    prunings.clear()
    other.fit(X, Y, epochs=2, callbacks=[gradual()], **SETTINGS)
    assert prunings == [(16, second), (24, last)]


@both_fits
def test_counts_updates_under_gradient_accumulation(fit, prunings):
    optimizer = keras.optimizers.Adam(gradient_accumulation_steps=3)
    callback = gradual(end=6, frequency=3)
    fit(model(optimizer), X, Y, epochs=3, callbacks=[callback], **SETTINGS)
    assert prunings == [(9, callback.schedule.sparsity(3)), (18, 0.9)]


def test_catches_up_after_calls_of_several_steps(prunings):
    several = 1 if keras.backend.backend() == "torch" else 5  # torch knows single steps only
    pruned = model(steps_per_execution=several)
    pruned.fit(X, Y, epochs=3, callbacks=[gradual()], **SETTINGS)
    assert [asked for _, asked in prunings] == SPARSITIES


def test_counts_batches_where_the_models_optimizer_is_not_used(prunings):
    class Other(keras.Sequential):
        def train_step(self, *args):
            *state, _ = args  # JAX passes its state
            return ({"loss": 0.0}, *state) if state else {"loss": 0.0}

    pruned = Other([keras.Input((6,)), *made.network().layers])
    pruned.compile("sgd" if keras.backend.backend() == "jax" else None)  # which needs one
    callback = gradual(end=16)
    pruned.fit(X, Y, epochs=2, callbacks=[callback], **SETTINGS)
    assert [asked for _, asked in prunings] == [callback.schedule.sparsity(8), 0.9]
    callback.schedule = gradual(0.95, 24).schedule
    pruned.fit(X, Y, epochs=1, callbacks=[callback], **SETTINGS)
    later = gradual(0.98, 40)
    pruned.fit(X, Y, initial_epoch=3, epochs=5, callbacks=[later], **SETTINGS)
    wanted = [callback.schedule.sparsity(16), 0.95, later.schedule.sparsity(32), 0.98]
    assert [asked for _, asked in prunings[2:]] == wanted


def test_an_unbuilt_model_is_masked_as_asked_once_it_has_weights():
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(3)]
    pruned = made.compiled(keras.Sequential(layers))
    callback = gradual(0.5, 8, initial_sparsity=0.5, exclude=("layers/dense_1/*",))
    pruned.fit(X, Y, epochs=1, callbacks=[callback], **SETTINGS)
    (mask,) = masking.get_masks(pruned).values()
    assert mask.shape == (6, 16)
    assert mask.sum() == 48


def test_a_fit_that_is_too_short_warns_once_when_it_begins():
    pruned = model()
    with pytest.warns(UserWarning) as caught:
        pruned.fit(X, Y, epochs=2, callbacks=[gradual()], **SETTINGS)
    (message,) = user_warnings(caught)
    assert "end_step=24" in message
    assert "0.9. Received: a fit that ends at step 16 and sparsity 0.8667" in message
    with pytest.warns(UserWarning, match="Received: 0.8611 after step 16"):
        pruned.fit(X, Y, initial_epoch=2, epochs=2, callbacks=[gradual()], **SETTINGS)  # no epoch
    pruned.fit(X, Y, initial_epoch=2, epochs=3, callbacks=[gradual()], **SETTINGS)
    assert sparsity(pruned) == pytest.approx(0.9, abs=0.01)


@both_fits
def test_a_schedule_that_a_dense_model_has_missed_warns(fit, prunings):
    trained = model()
    fit(trained, X, Y, epochs=2, **SETTINGS)
    with pytest.warns(UserWarning, match=r"after 16 steps.*sparsity of 0\.8667 at once.*Add int"):
        fit(trained, X, Y, callbacks=[gradual()], **SETTINGS)
    assert prunings[0][0] == 16
    later = model()
    fit(later, X, Y, epochs=2, **SETTINGS)
    steps = int(later.optimizer.iterations)
    fit(later, X, Y, callbacks=[gradual(end=steps + 8, begin_step=steps)], **SETTINGS)
    assert sparsity(later) == pytest.approx(0.9, abs=0.01)


def stopping():
    """Prefers the densest epoch, which is the first that it is shown, and stops after the next."""
    return keras.callbacks.EarlyStopping(
        "sparsity", mode="min", patience=1, restore_best_weights=True
    )


@pytest.mark.parametrize(("fit", "stopping_first"), [(keras_fit, False), (training.fit, True)])
def test_ending_early_warns_of_the_sparsity_that_is_left(fit, stopping_first):
    pruned = model()
    callbacks = [gradual(), stopping()][:: -1 if stopping_first else 1]
    with pytest.warns(UserWarning, match=r"sparsity of 0\.9 .* Received: 0\.6319") as caught:
        fit(pruned, X, Y, epochs=3, callbacks=[SparsityLogger(), *callbacks], **SETTINGS)
    assert len(user_warnings(caught)) == 1
    masks, weights = masking.get_masks(pruned), masking.get_weights(pruned)
    assert all(((weights[path] != 0) == mask).all() for path, mask in masks.items())
    assert sparsity(pruned) == pytest.approx(SPARSITIES[0], abs=0.01)


@both_fits
def test_when_sparse_shows_a_callback_only_epochs_at_the_final_sparsity(fit):
    pruned, callback = model(), gradual()
    early = callback.when_sparse(stopping())
    history = fit(pruned, X, Y, epochs=9, callbacks=[SparsityLogger(), callback, early], **SETTINGS)
    assert history.epoch == [0, 1, 2, 3]
    assert early.best_epoch == 2
    assert sparsity(pruned) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criterion": "taylor"}, "needs only the weights. Received: 'taylor'.*the gradient"),
        ({"criterion": "movement"}, "which needs the initial"),
        ({"criterion": "batch_norm_scale"}, "pattern='channels' with the criterion"),
        ({"pattern": "channels", "scope": "erk"}, "a scope other than 'erk'"),
    ],
)
def test_choices_that_do_not_go_together_are_refused_at_once(settings, message):
    with pytest.raises(LotteryError, match=message):
        gradual(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pattern": "8:16", "final": 0.6}, "N of every M"),
        ({"pattern": "channels", "final": 1.0}, "every layer keeps one channel"),
        ({"pattern": "channels", "criterion": "batch_norm_scale"}, "a gamma for all channels"),
        ({"pattern": "3:7"}, "not a multiple of 7"),
    ],
)
def test_a_final_sparsity_out_of_reach_is_refused_before_training(settings, message):
    ours = model()
    before = masking.get_weights(ours)
    with pytest.raises(LotteryError, match=message):
        ours.fit(X, Y, epochs=3, callbacks=[gradual(**settings)], **SETTINGS)
    assert not masking.is_masked(ours)
    for path, value in masking.get_weights(ours).items():
        np.testing.assert_array_equal(before[path], value)


@both_fits
def test_a_multiple_of_channels_counts_as_reached(fit):
    pruned = made.compiled(
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(60), keras.layers.Dense(3)]), "adam"
    )
    callback, seen = gradual(0.5, end=16, pattern="channels:8"), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    callback.when_sparse(note)
    fit(pruned, X, Y, epochs=3, callbacks=[callback, note], **SETTINGS)
    assert seen == [1, 2]  # the second epoch ends at step 16; 30 channels are rounded up
    assert np.count_nonzero(masking.effective_weights(pruned)["layers/dense/kernel"].any(0)) == 32
