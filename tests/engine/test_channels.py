"""Tickets of channels: an experiment whose config prunes by a pattern."""

import numpy as np
import pytest

from keras_lottery import pruning, report
from keras_lottery.engine import compacted, experiment
from keras_lottery.errors import LotteryError
from keras_lottery.records import CompactedRow, read_results, read_rows
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks import make_task
from keras_lottery.tickets import Ticket
from keras_lottery.types import Start
from tests.engine import small

HIDDEN = {"layers/dense/kernel": 20, "layers/dense_1/kernel": 10}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    config = small.config(
        tmp_path_factory.mktemp("channels"),
        prune__pattern="channels",
        arms=["winning", "reinit", "permuted_layer", "permuted_global"],
    )
    return config, RunPaths(experiment.run(config))


def layout_and_tickets(finished):
    config, paths = finished
    task = make_task(config)
    layout = pruning.layout_of("channels", task.variables())
    rounds = {
        (row.arm, row.round): Ticket.load(paths.ticket(row.training))
        for row in read_results(paths.results)
        if row.round
    }
    return layout, rounds


def test_rates_are_of_channels_and_rows_count_weights(finished):
    layout, tickets = layout_and_tickets(finished)
    assert {info.path: info.size for info in layout.infos} == HIDDEN
    for (arm, round), ticket in tickets.items():
        groups = layout.fold(ticket.masks)
        assert pruning.kept(groups) == {1: 15, 2: 8}[round]
        whole = layout.unfold(groups, {p: np.ones_like(m) for p, m in ticket.masks.items()})
        assert all((whole[p] == m).all() for p, m in ticket.masks.items()), arm
    (row,) = (r for r in read_results(finished[1].results) if (r.arm, r.round) == ("winning", 2))
    masks = tickets["winning", 2].masks
    assert row.kept == pruning.kept(masks)
    a, b = (int(mask.sum()) for mask in layout.fold(masks).values())
    assert row.flops == 2 * (64 * a + a * b + b * 10)


def test_controls_keep_or_permute_channels(finished):
    layout, tickets = layout_and_tickets(finished)
    winning, reinit, within, over = (
        layout.fold(tickets[arm, 2].masks)
        for arm in ("winning", "reinit", "permuted_layer", "permuted_global")
    )
    for path, mask in winning.items():
        np.testing.assert_array_equal(reinit[path], mask)
        assert within[path].sum() == mask.sum()
    assert any((within[path] != winning[path]).any() for path in winning)
    assert any((over[path] != winning[path]).any() for path in winning)


def test_compacted_tickets_are_measured_once(finished):
    layout, tickets = layout_and_tickets(finished)
    config, paths = finished
    rows = {row.round: row for row in read_rows(paths.compacted, CompactedRow)}
    assert rows.keys() == {1, 2}
    for round, row in rows.items():
        a, b = (int(m.sum()) for m in layout.fold(tickets["winning", round].masks).values())
        assert row.parameters == 64 * a + a + a * b + b + b * 10 + 10
        assert row.bytes == 4 * row.parameters
        assert row.flops == 2 * (64 * a + a * b + b * 10)
        assert row.dense_parameters == 64 * 20 + 20 + 20 * 10 + 10 + 10 * 10 + 10
        assert (row.seed, row.arm) == (0, "winning")
    before = paths.compacted.read_text()
    paths.compacted.write_text("\n".join(before.splitlines()[:-1]) + "\n")  # as if killed
    experiment.run(config)
    after = read_rows(paths.compacted, CompactedRow)
    assert after[0] == rows[1] and after[1].parameters == rows[2].parameters
    assert before.splitlines()[:2] == paths.compacted.read_text().splitlines()[:2]


def test_a_ticket_that_cannot_be_compacted_is_a_warning(finished, monkeypatch):
    config, paths = finished
    table = paths.compacted.read_text()
    paths.compacted.unlink()
    monkeypatch.setattr(compacted, "compact", lambda model: 1 / 0)
    with pytest.warns(UserWarning, match=r"round \d has no row in compacted.csv: .*division"):
        experiment.run(config)
    assert not paths.compacted.exists()
    paths.compacted.write_text(table)


def test_the_report_shows_compacted_tickets(finished):
    _, paths = finished
    files = report.build(paths.root, tensorboard=False)
    text = files.markdown.read_text()
    assert "## Compacted tickets" in text and "batch 32 [ms]" in text
    assert "between seeds; n = 1 seed." in text
    assert "compacted.png" in [path.name for path in files.figures]
    table = paths.compacted.read_text()
    paths.compacted.unlink()  # a run of an older version
    assert "Compacted tickets" not in report.build(paths.root).markdown.read_text()
    paths.compacted.write_text(table)


def test_zeros_before_training_are_not_taken_for_pruned_weights():
    values = np.array([0.0, 0, 2, 3], "float32")
    start = Start({"gamma": values, "bias": values}, {"gamma": np.array([1, 0, 0, 1], bool)})
    weights = compacted._pruned(start)
    assert (weights["gamma"] != 0).tolist() == [True, False, False, True]
    np.testing.assert_array_equal(weights["bias"], values)


def test_arms_that_choose_single_weights_are_refused(tmp_path):
    config = small.config(tmp_path, prune__pattern="channels", arms=["winning", "edge_popup"])
    with pytest.raises(LotteryError, match=r"arms that can prune channels\. Received: edge_popup"):
        experiment.run(config)


def test_wrong_patterns_are_refused_with_the_config(tmp_path):
    with pytest.raises(LotteryError, match=r"prune.pattern: expected .* Did you mean 'channels'"):
        small.config(tmp_path, prune__pattern="chanels")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pattern": "2:4", "rate": 0.3}, r"at round 2 \(N of every M weights"),
        ({"pattern": "channels", "rate": 0.9}, r"at round 2 \(every layer keeps one channel"),
        ({"pattern": "channels", "scope": "erk"}, "a scope other than 'erk'"),
        ({"criterion": "batch_norm_scale"}, "pattern='channels' with the criterion"),
        ({"pattern": "block:2x2", "include": ["*/bias"], "biases": True}, "it has only one axis"),
    ],
)
def test_what_cannot_be_pruned_is_refused_before_training(fields, message, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "train_all", lambda *_: pytest.fail("trained"))
    names = {f"prune__{name}": value for name, value in fields.items()}
    config = small.config(tmp_path, **names, arms=["winning"])
    with pytest.raises(LotteryError, match=message):
        experiment.run(config)
