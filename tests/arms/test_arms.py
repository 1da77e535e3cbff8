"""The contract of every arm, on a synthetic run in memory."""

from dataclasses import replace

import numpy as np
import pytest

from keras_lottery import config as configs
from keras_lottery.arms import FAMILIES, LEARNED, arms, starts
from keras_lottery.arms.prune_at_init import ARMS as AT_INIT
from keras_lottery.config import PruneConfig, RewindConfig, TrainConfig
from keras_lottery.engine.check_config import check_network
from keras_lottery.engine.pruner import Pruner
from keras_lottery.errors import LotteryError
from keras_lottery.types import Start, Training, VariableInfo

SHAPES = {"a/kernel": (8, 3), "a_1/kernel": (8, 3), "a_2/kernel": (8, 3)}
INFOS = [VariableInfo(p, s, input_axis=0, chain=n) for n, (p, s) in enumerate(SHAPES.items())]
INFOS[2] = replace(INFOS[2], output=True)
DENSE = Training("", "t", 0, 0, "dense")


def weights(seed):
    rng = np.random.default_rng(seed)
    found = {path: rng.normal(size=shape) for path, shape in SHAPES.items()}
    return found | {"a/moving_mean": np.full(6, seed), "a/moving_variance": np.full(6, seed)}


class Task:
    def start_weights(self, seed):
        return weights(1000 + seed)

    def fresh_weights(self, seed):
        return weights(seed)

    def steps(self, duration):
        return int(duration.removesuffix("it"))

    def variables(self):
        return INFOS

    def derived(self, name, weights, masks, seed):
        rng = np.random.default_rng(seed)
        return {p: rng.normal(size=s) * masks.get(p, True) for p, s in SHAPES.items()}


class Run(Pruner):
    """A run in which whatever an arm asks for is finished."""

    task = Task()

    def __init__(self, **rewind):
        self.config = configs.Config(
            name="n",
            task="t",
            data=None,
            model=None,
            train=TrainConfig(length="100it"),
            prune=PruneConfig(rounds=2, rate=0.5),
            rewind=RewindConfig(**({"to": "5it"} | rewind)),
        )
        self.starts = {}

    def start_of(self, training):
        if training not in self.starts:
            self.starts[training] = arms[training.arm].start(training, self)
        return self.starts[training]

    def trained(self, training):
        return weights(training.round + 50)

    def rewind_state(self, seed):
        state = {f"weights/{path}": value for path, value in weights(7).items()}
        return state | {"optimizer/0000": np.ones(3), "seeds/s": np.ones(2), "step": np.array([5])}


@pytest.fixture(scope="module")
def run():
    return Run()


def training(arm, draw=0, number=1):
    return DENSE if arm == "dense" else Training("", "t", 0, number, arm, draw)


@pytest.mark.parametrize("arm", list(arms))
def test_every_arm_keeps_the_count_of_its_round_and_is_the_same_twice(arm, run):
    one, other = (arms[arm].start(training(arm), run) for _ in "ab")
    assert isinstance(one, Start) and arms[arm].name == arm
    kept = sum(int(m.sum()) for m in one.masks.values())
    if arm in FAMILIES["inertial_manifold_interpretation"]:  # halfway to the rounds beside this one
        assert 36 / 2**0.5 <= kept <= 36 * 2**0.5
    else:
        assert kept == {"dense": 0, "supermask": 72}.get(arm.partition("_")[0], 36)
    assert all(np.array_equal(v, other.weights[p]) for p, v in one.weights.items())
    assert all(np.array_equal(m, other.masks[p]) for p, m in one.masks.items())
    assert set(one.weights) == set(weights(0))


@pytest.mark.parametrize("arm", list(arms))
def test_parents_come_earlier(arm):
    order = {"dense": 0, "winning": 1}
    for parent in arms[arm].parents(training(arm, draw=2, number=2)):
        assert parent.draw == 0 and parent.seed == 0
        assert (parent.round, order.get(parent.arm, 2)) < (2, order.get(arm, 3))


@pytest.mark.parametrize("arm", [name for name in arms if arms[name].stochastic])
def test_draws_differ(arm, run):
    one, other = (arms[arm].start(training(arm, draw), run) for draw in (0, 1))
    pairs = [
        (a[p], b[p])
        for p in SHAPES
        for a, b in ((one.weights, other.weights), (one.masks, other.masks))
    ]
    assert any((a != b).any() for a, b in pairs)


def test_each_arm_starts_where_it_should(run):
    start = {arm: arms[arm].start(training(arm), run) for arm in arms}
    early = {arm.name for arm in AT_INIT if not arm.name.endswith("reinit")}
    early |= {*FAMILIES["inertial_manifold_interpretation"], "learning_rate_rewind", "fine_tune"}
    chains = {"winning", "one_shot", *FAMILIES["mask_criteria"], *FAMILIES["pruned_values"]}
    followers = {"init_permuted", "random_mask", "layers_shuffled"}
    again = {"dense", "winning_init", "reinit", "permuted_layer", "permuted_global", *LEARNED}
    again |= {*FAMILIES["kept_values"], *(a.name for a in AT_INIT if a.name.endswith("reinit"))}
    assert chains | early | followers <= {arm for arm, s in start.items() if s.step == 5}
    assert chains | early <= {arm for arm, s in start.items() if s.state}
    assert all(start[arm].step != 5 and not start[arm].state for arm in again)
    assert not any(start[arm].state for arm in followers)
    for arm in ("winning", "one_shot", *FAMILIES["mask_criteria"], "freeze_init"):
        assert np.array_equal(start[arm].weights["a/kernel"], weights(7)["a/kernel"])
    for arm in ("dense", "winning_init"):
        assert np.array_equal(start[arm].weights["a/kernel"], weights(1000)["a/kernel"])


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("schedule", "restart", lambda s: s.learning_rate_step == 0 and s.step == 5),
        ("data_order", "restart", lambda s: s.data_order_step == 0 and s.step == 5),
        ("optimizer", "reset", lambda s: set(s.state) == {"seeds/s"}),
        ("seeds", "reset", lambda s: set(s.state) == {"optimizer/0000"}),
        ("batch_norm", "reset", lambda s: not s.weights["a/moving_mean"].any()),
        ("batch_norm", "reset", lambda s: (s.weights["a/moving_variance"] == 1).all()),
        ("mode", "learning_rate", lambda s: s.learning_rate_step == 5),
        ("mode", "fine_tune", lambda s: s.learning_rate_step == 100),
    ],
)
def test_a_rewind_does_as_the_config_says(field, value, check, run):
    winning = training("winning")
    assert not check(arms["winning"].start(winning, run)) or value == "learning_rate"
    assert check(arms["winning"].start(winning, Run(**{field: value})))


@pytest.mark.parametrize("mode", ["learning_rate", "fine_tune"])
def test_without_weight_rewinding_the_trained_weights_stay(mode):
    start = arms["winning"].start(training("winning"), Run(mode=mode))
    assert np.array_equal(start.weights["a/kernel"], weights(50)["a/kernel"])
    assert not any(key.startswith("optimizer/") for key in start.state)


def test_the_inertial_manifold_keeps_directions_below_its_gap_and_controls_keep_as_many(run):
    slow, fast = (
        arms[a].start(training(a), run) for a in ("inertial_manifold", "matched_curvature")
    )
    curvature = run.task.derived("hessian_diagonal", {}, {}, 0)

    def split(start):
        pairs = [(abs(curvature[path]), start.masks[path]) for path in SHAPES]
        return [np.concatenate([c[m == keep] for c, m in pairs]) for keep in (True, False)]

    kept, gone = split(slow)
    assert kept.max() < gone.min() and kept.size == slow.metrics["dimension"]
    assert slow.metrics["gap_size"] == pytest.approx(1 - kept.max() / gone.min())
    assert slow.metrics["search_steps"] == 5
    kept, gone = split(fast)
    assert kept.min() > gone.max()
    table = slow.tables["spectrum"]
    assert table[0]["index"] == 1 and table[-1]["index"] == 72
    assert [row["value"] for row in table] == sorted(row["value"] for row in table)
    for arm in FAMILIES["inertial_manifold_interpretation"][1:]:
        masks = arms[arm].start(training(arm), run).masks
        assert sum(int(m.sum()) for m in masks.values()) == slow.metrics["dimension"]


@pytest.mark.parametrize(("arm", "rate_step"), [("learning_rate_rewind", 5), ("fine_tune", 100)])
def test_retrained_chains_keep_the_trained_weights_whatever_the_config_says(arm, rate_step, run):
    start = arms[arm].start(training(arm), run)
    assert (start.step, start.learning_rate_step) == (5, rate_step)
    assert np.array_equal(start.weights["a/kernel"], weights(50)["a/kernel"])


def test_seeds_of_trainings_differ():
    names = [training(a, d, n) for a in arms for d in range(3) for n in (1, 2) if a != "dense"]
    assert len({starts.seed_of(t) for t in names}) == len(names)


def test_a_random_mask_lies_over_the_tickets_own_weights(run):
    ticket, control = (arms[a].start(training(a), run) for a in ("winning", "random_mask"))
    assert all(np.array_equal(v, ticket.weights[p]) for p, v in control.weights.items())
    assert any((control.masks[p] != m).any() for p, m in ticket.masks.items())


def test_shuffled_layers_keep_the_mask_and_swap_whole_matrices(run):
    ticket, control = (arms[a].start(training(a), run) for a in ("winning", "layers_shuffled"))
    assert all(np.array_equal(m, ticket.masks[p]) for p, m in control.masks.items())
    given = [ticket.weights[p].tobytes() for p in SHAPES]
    taken = [control.weights[p].tobytes() for p in SHAPES]
    assert given != taken and sorted(given) == sorted(taken)
    assert np.array_equal(control.weights["a/moving_mean"], ticket.weights["a/moving_mean"])


def test_a_mask_shuffled_per_input_keeps_the_counts_of_every_input_and_the_weights(run):
    method, control = (
        arms[arm].start(training(arm), run) for arm in ("init_snip", "init_snip_shuffled_per_input")
    )
    for path, mask in method.masks.items():
        assert (control.masks[path].sum(axis=1) == mask.sum(axis=1)).all()
    assert any((control.masks[path] != mask).any() for path, mask in method.masks.items())
    assert all(np.array_equal(v, control.weights[p]) for p, v in method.weights.items())


def test_a_mask_permuted_within_words_keeps_the_counts_of_the_output_layer(run):
    ticket, control = (arms[a].start(training(a), run) for a in ("winning", "permuted_word"))
    output, hidden = "a_2/kernel", "a/kernel"
    assert (control.masks[output].sum(axis=0) == ticket.masks[output].sum(axis=0)).all()
    assert (control.masks[output] != ticket.masks[output]).any()
    assert control.masks[hidden].sum() == ticket.masks[hidden].sum()
    assert (control.weights[hidden] != ticket.weights[hidden]).all()


def test_permuted_inputs_keep_the_count_of_every_unit_and_the_other_layers(run):
    ticket, control = (arms[a].start(training(a), run) for a in ("winning", "permuted_input"))
    first = "a/kernel"
    assert (control.masks[first].sum(axis=0) == ticket.masks[first].sum(axis=0)).all()
    assert (control.masks[first] != ticket.masks[first]).any()
    others = [path for path in ticket.masks if path != first]
    assert all((control.masks[path] == ticket.masks[path]).all() for path in others)
    assert (control.weights[first] != ticket.weights[first]).all()


def test_permuted_inputs_need_a_chain_of_dense_layers(run):
    config = replace(run.config, arms=("winning", "permuted_input"))
    check_network(config, INFOS)
    with pytest.raises(LotteryError, match="for the arm permuted_input"):
        check_network(config, [replace(info, chain=None) for info in INFOS])
