"""Arms that train a mask, through the whole engine: rows, tickets, trained weights, exports."""

import numpy as np
import pytest

from keras_lottery import engine
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_metrics, read_results
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.tasks import make_task
from keras_lottery.tickets import Ticket, load_state
from keras_lottery.types import Start, Training
from tests.engine.small import config

# Learned masks are tested on every backend in tests/masking and tests/training.

FIELDS = {
    "arms": ["supermask", "supermask_rescaled", "edge_popup"],
    "keep_trained": ["supermask", "supermask_rescaled", "edge_popup"],
    "supermask.optimizer.learning_rate": 10.0,
    "supermask.length": "40it",
    "supermask.batch_size": 60,
    "supermask.samples": 3,
    "edge_popup.length": "60it",
    "edge_popup.batch_size": 60,
    "edge_popup.eval_every": 20,
    "train.value": "best",
    "rewind.to": "0it",
}


def settings(out, **fields):
    return config(out, **(FIELDS | fields))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return RunPaths(engine.run(settings(tmp_path_factory.mktemp("learned"))))


def rows(paths):
    return {(row.round, row.arm): row for row in read_results(paths.results)}


def metrics(paths):
    return {(m.round, m.arm, m.name): m.value for m in read_metrics(paths.metrics)}


def test_an_arm_whose_mask_settles_by_itself_is_trained_once(whole):
    assert list(rows(whole)) == [
        (0, "dense"),
        (1, "supermask"), (1, "supermask_rescaled"), (1, "edge_popup"), (2, "edge_popup"),
    ]  # fmt: skip


def test_rows_count_what_was_learned_and_edge_popup_keeps_exactly_its_round(whole):
    found = rows(whole)
    prunable = found[0, "dense"].prunable
    assert [found[number, "edge_popup"].kept for number in (1, 2)] == [prunable // 2, prunable // 4]
    assert found[2, "edge_popup"].flops * 4 == found[0, "dense"].flops
    assert 0.3 < found[1, "supermask"].remaining < 0.7
    kept = metrics(whole)[1, "supermask", "mean_kept"]
    assert kept == pytest.approx(found[1, "supermask"].remaining, abs=0.1)
    assert metrics(whole)[1, "supermask", "accuracy_sd"] > 0
    assert found[1, "supermask"].steps == 40 and found[1, "edge_popup"].steps == 60


@pytest.mark.parametrize(("number", "arm"), [(1, "supermask"), (2, "edge_popup")])
def test_the_ticket_is_the_learned_mask_over_weights_that_never_moved(whole, number, arm):
    training = Training("", "vision", 0, number, arm)
    ticket, trained = Ticket.load(whole.ticket(training)), load_state(whole.trained(training))
    assert sum(int(m.sum()) for m in ticket.masks.values()) == rows(whole)[number, arm].kept
    for path, value in trained.items():
        kept = ticket.masks.get(path, np.True_)
        np.testing.assert_array_equal(value, np.where(kept, ticket.start[path], 0), err_msg=path)
    task = make_task(settings(whole.root.parent))
    found = task.evaluate(Start(ticket.start, ticket.masks))["accuracy"]
    if arm == "edge_popup":
        assert found == pytest.approx(rows(whole)[number, arm].final_value)
    else:
        assert found == pytest.approx(metrics(whole)[1, arm, "threshold_accuracy"])
    weights = task.start_weights(0)
    if arm == "supermask":
        assert all((weights[path] == value).all() for path, value in ticket.start.items())


def test_the_exported_model_is_the_supermask_at_its_threshold(whole):
    import keras

    training = Training("", "vision", 0, 1, "supermask_rescaled")
    task = make_task(settings(whole.root.parent))
    model = task.export_model(load_state(whole.trained(training)))
    test = task.images.test
    right = keras.ops.convert_to_numpy(model(test.x)).argmax(axis=1) == test.y
    expected = metrics(whole)[1, "supermask_rescaled", "threshold_accuracy"]
    assert right.mean() == pytest.approx(expected)


def test_a_resumed_run_equals_an_uninterrupted_one_and_retraces_nothing(whole, tmp_path):
    first = settings(tmp_path, arms=["supermask", "edge_popup"], prune__rounds=1)
    task, paths = make_task(first), paths_of(first)
    engine.train_all(first, paths, task)
    traced = task._trainer("edge_popup").program.traces
    assert traced > 0
    more = settings(tmp_path)
    engine.train_all(more, paths, task)
    assert task._trainer("edge_popup").program.traces == traced
    for key, row in rows(paths).items():
        assert row.value == rows(whole)[key].value, key
        training = Training("", "vision", 0, *key)
        assert paths.ticket(training).read_bytes() == whole.ticket(training).read_bytes()


def test_an_optimizer_of_masks_that_there_is_not_is_refused_first(tmp_path):
    with pytest.raises(LotteryError, match=r"known optimizer. Received: 'sgdd'"):
        engine.run(settings(tmp_path, **{"supermask.optimizer.name": "sgdd"}))
    assert not list(tmp_path.iterdir())
