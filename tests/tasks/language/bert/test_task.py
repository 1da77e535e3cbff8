"""The BERT task: what is pruned, the initial weights, and that it learns."""

import keras
import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import engine, masking
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.exporters import export_run
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tickets import Ticket
from keras_lottery.types import Start, Training

keras_hub = pytest.importorskip("keras_hub")
from keras_lottery.tasks.language.bert.task import BertTask  # noqa: E402

from . import made  # noqa: E402

pytestmark = pytest.mark.backend
QUERY = "layers/bert_backbone/layers/transformer_encoder_1/_self_attention_layer/query_dense/kernel"
DENSE = Training("", "bert", 0, 0, "dense")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made.data(tmp_path_factory.mktemp("data"))


def config(folder, **changed):
    return freeze(presets.load("chen2020/bert:minilm_glue", made.fields(folder, **changed)))


@pytest.fixture(scope="module")
def task(folder):
    return BertTask(config(folder))


def test_encoder_kernels_and_the_pooler_are_pruned_and_nothing_else(task):
    prunable = [v for v in task.variables() if v.prunable]
    assert len(prunable) == 6 * made.LAYERS + 1
    assert sum(v.size for v in prunable) == made.LAYERS * (4 * 64 + 2 * 96) + 64
    assert all(v.path.endswith("/kernel") and "bert_backbone" in v.path for v in prunable)


def test_it_starts_from_the_presets_weights_with_a_head_of_the_seed(task, folder):
    given = keras_hub.models.BertBackbone.from_preset(str(folder / "tiny"))
    first, other = task.start_weights(0), task.start_weights(1)
    for path, value in masking.get_weights(given).items():
        np.testing.assert_array_equal(first[f"layers/bert_backbone/{path}"], value)
    differ = {path for path in first if (first[path] != other[path]).any()}
    assert differ == {"layers/dense/kernel"}
    again = BertTask(task.config).start_weights(0)  # which has read nothing yet
    assert all((again[path] == value).all() for path, value in first.items())
    fresh = task.fresh_weights(0)
    assert (fresh[QUERY] != first[QUERY]).mean() > 0.99
    assert (fresh["layers/dense/kernel"] == first["layers/dense/kernel"]).all()


def test_it_learns_and_pruned_weights_stay_zero(task):
    start = task.start_weights(0)
    outcome = task.fit(DENSE, Start(start), NoProgress())
    assert outcome.final_value == 1.0
    assert outcome.metrics["test_f1"] == outcome.metrics["test_matthews"] == 1.0
    masks = {QUERY: np.arange(64).reshape(start[QUERY].shape) % 2 == 0}
    pruned = task.fit(Training("", "bert", 0, 1, "winning"), Start(start, masks), NoProgress())
    assert not pruned.weights[QUERY][~masks[QUERY]].any() and pruned.compile_seconds == 0


def test_a_step_on_shorter_sequences_is_that_on_padded_ones(folder):
    def trained(**changed):
        sizes = {"train__length": "1it", "train__batch_size": 64}
        # A large epsilon makes Adam's first step proportional to the gradient.
        one = BertTask(config(folder, **sizes, optimizer__epsilon=1.0, **changed))
        start = Start(one.start_weights(0))
        return one.fit(Training("", "bert", 0, 0, "dense"), start, NoProgress()).weights

    padded, shorter = trained(), trained(data__lengths=(7,))  # all sentences have 7 tokens
    for path, weight in padded.items():
        np.testing.assert_allclose(shorter[path], weight, rtol=1e-5, atol=1e-6)


def test_operations_count_every_token(task):
    # 9 uses of each encoder kernel but one of pooler and head.
    encoder = made.LAYERS * (4 * 64 + 2 * 96)
    assert task.flops({}) == 2 * (10 * encoder + 64 + 2 * made.HIDDEN)


def test_a_round_with_every_control_and_its_export(folder, tmp_path):
    arms = ["winning", "random_mask", "reinit", "layers_shuffled"]
    small = config(folder, out=str(tmp_path), arms=arms, prune__rounds=1, train__length="8it")
    run = engine.run(small)
    rows = {row.arm: row for row in read_results(RunPaths(run).results)}
    assert set(rows) == {"dense", *arms}
    prunable = made.LAYERS * (4 * 64 + 2 * 96) + 64
    assert {rows[arm].kept for arm in arms} == {prunable - prunable // 2}
    tickets = {
        arm: Ticket.load(RunPaths(run).ticket(Training("", "bert", 0, 1, arm))) for arm in arms
    }
    start = {arm: ticket.start[QUERY] for arm, ticket in tickets.items()}
    assert (start["random_mask"] == start["winning"]).all()
    assert (start["layers_shuffled"] != start["winning"]).all()
    assert (start["reinit"] != start["winning"]).all()
    assert (tickets["random_mask"].masks[QUERY] != tickets["winning"].masks[QUERY]).any()
    if keras.config.backend() == "tensorflow":  # from the others it goes the same way
        found = export_run(run, tmp_path / "out.keras", "keras", seed=0, round=1, dense=False)
        assert found.max_abs_difference <= found.tolerance
        assert set(found.inputs) == {"token_ids", "segment_ids", "padding_mask"}
        assert sum(v.zeros for v in found.variables) >= prunable // 2


def test_the_exported_ticket_answers_as_the_trained_one(task):
    weights = task.start_weights(0)
    plain = task.export_model(weights)
    assert type(plain) is keras_hub.models.BertTextClassifier
    x, y = task.arrays().test
    right = (keras.ops.convert_to_numpy(plain(x)).argmax(axis=1) == y).mean()
    assert right == pytest.approx(task.evaluate(Start(weights))["accuracy"])
