"""The study on the digits: its files, through Keras, and the network on every backend."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from keras_lottery import config as configs
from keras_lottery import masking, report, studies
from keras_lottery.config import presets
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results, read_rows
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.studies.strong_tickets import network
from keras_lottery.studies.strong_tickets import run as study
from keras_lottery.studies.strong_tickets.construction import construct, draw
from keras_lottery.studies.strong_tickets.rows import (
    GADGETS,
    NETWORKS,
    TARGETS,
    TRANSITION,
    NetworkRow,
    ticket_file,
)
from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.toolkit import Ticket

FIELDS = {
    "seeds": [0],
    "arms": ("winning",),
    "model.hidden": (4,),
    "train.length": "100it",
    "train.eval_every": 100,
    "train.batch_size": 100,
    "options.densities": (0.5,),
    "options.error": 4.0,
    "options.agreement": 0.8,
    "options.most": 20,
    "options.sums": (8,),
    "options.sum_draws": 4,
    "options.gadget_draws": 2,
}


def config(out, **fields):
    import keras

    settings = FIELDS | {"out": str(out)} | fields
    loaded = presets.load("natale2024/strong_tickets_digits", settings)
    loaded["backend"] = keras.config.backend()
    return configs.freeze(loaded)


def rows(run):
    return [replace(row, seconds=0.0) for row in read_rows(run / NETWORKS, NetworkRow)]


def small(seed=0):
    """A target of 6 inputs, 3 hidden and 2 outputs, and its pruned random network."""
    import keras

    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(2)]
    )
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
    layers = network.target_layers(model)
    draws = [draw(*w.shape, 16, (seed, i)) for i, w in enumerate(layers)]
    return model, [construct(w, d, 8) for w, d in zip(layers, draws)]


@pytest.mark.backend
def test_the_pruned_network_in_keras_is_the_draw_under_its_masks(tmp_path):
    target, pairs = small()
    model = network.random_network(target, pairs)
    network.ticket_of(model, pairs, {"seed": 0}).save(tmp_path / "t.safetensors")
    Ticket.load(tmp_path / "t.safetensors").apply(model)
    values, masks = masking.get_weights(model), masking.get_masks(model)
    drawn = [w for i, (d, o) in enumerate([(7, 3), (4, 2)]) for w in draw(d, o, 16, (0, i))]
    assert len(masks) == len(values) == len(drawn) == 4
    for path, random in zip(values, drawn):
        kept = masks[path]
        assert values[path][kept].tobytes() == random[kept].tobytes()
        assert not values[path][~kept].any()
        assert Ticket.load(tmp_path / "t.safetensors").start[path].tobytes() == random.tobytes()
    x = np.random.default_rng(3).uniform(-1, 1, (200, 6)).astype(np.float32)
    error = np.abs(network.outputs(model, x) - network.outputs(target, x)).max()
    assert error < 1e-2


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return studies.run(config(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize(
    ("table", "wrong", "said"),
    [
        (TRANSITION, lambda row: row.replace(",4,", ",-4,", 1), "successes|k ≤ n"),
        (TARGETS, lambda row: row.replace(",1,", ",-1,", 1), "a layer, inputs and outputs"),
        (NETWORKS, lambda row: f"{row}\n{row}", "rows that are equal"),
        (GADGETS, lambda row: f"{row}\n{row}", "rows that are equal"),
        (TARGETS, lambda row: "", "Received: none"),
        (TRANSITION, lambda row: "", "Received: none"),
    ],
)
def test_tables_that_cannot_be_are_refused(run, tmp_path, table, wrong, said):
    copy = shutil.copytree(run, tmp_path / "run")
    header, *lines = (copy / table).read_text().splitlines()
    if changed := wrong(lines[0]):
        (copy / table).write_text("\n".join([header, changed, *lines[1:], ""]))
    else:
        (copy / table).write_text(f"{header}\n")
    with pytest.raises(LotteryError, match=said):
        report.build(copy, tensorboard=False)


def test_a_run_trains_the_targets_alone(run):
    assert {row.arm for row in read_results(RunPaths(run).results)} == {"dense"}


def test_a_run_finds_the_target_in_a_random_network(run):
    found = rows(run)
    assert [row.n for row in found] == sorted(row.n for row in found)
    assert [row.enough for row in found] == [0] * (len(found) - 1) + [1]
    last = found[-1]
    assert last.output_error <= 4.0
    assert last.agreement >= 0.8
    assert last.target_weights == 65 * 4 + 5 * 10
    assert last.kept == 2 * last.n * (65 + 5) + 2 * last.k * last.target_weights
    assert last.total == 2 * last.n * (65 * 65 + 65 * 4 + 5 * 5 + 5 * 10)
    assert ticket_file(run, 0, 0.5, last.n).exists()
    page = report.build(run)
    assert f"{last.n} at density 50.0 % (1 of 1 seeds)" in page.headline[0]


def test_a_killed_run_resumes_to_the_same_tables(run, tmp_path, monkeypatch):
    whole = rows(run)
    tried, plain = [], study._try

    def killed(*arguments):
        tried.append(arguments[-1])
        if len(tried) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(study, "_try", killed)
    with pytest.raises(KeyboardInterrupt):
        studies.run(config(tmp_path / "killed"))
    resumed = studies.run(config(tmp_path / "killed"))
    assert rows(resumed) == whole
    assert tried == [2, 4, 6, *(row.n for row in whole[2:])]
    before = (resumed / NETWORKS).read_bytes()
    assert (studies.run(config(tmp_path / "killed")) / NETWORKS).read_bytes() == before


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"options.densities": (0.0,)}, "densities: Expected a density.*Received: 0.0"),
        ({"options.densities": (1.0,)}, "densities: Expected a density.*Received: 1.0"),
        ({"options.densities": ()}, "densities: expected a value"),
        ({"options.error": 0.0}, "error: expected a number above 0"),
        ({"options.agreement": 1.5}, "agreement: expected a number above 0 and at most 1"),
        ({"options.most": 100}, "most: expected at least 2 and at most 48"),
        ({"options.sum_draws": 0}, "sum_draws: expected at least 1"),
        ({"options.targets": (2.0,)}, "targets: expected at least -1"),
        ({"options.ratios": (0.0,)}, "ratios: expected a number above 0"),
    ],
)
def test_options_that_do_not_fit_are_one_line(tmp_path, fields, words):
    with pytest.raises(LotteryError, match=words) as error:
        config(tmp_path, **fields)
    assert "\n" not in str(error.value)


def test_a_density_that_no_n_fits_and_a_network_that_is_not_dense_are_errors(tmp_path):
    with pytest.raises(LotteryError, match=r"n up to options.most = 20. Received: 0.01"):
        study.candidates(0.01, 20)
    assert study.candidates(0.25, 12) == [4, 8, 12]
    conv = {"model.name": "conv2", "model.hidden": VisionModel().hidden, "train.length": "1it"}
    with pytest.raises(LotteryError, match="network of dense layers"):
        studies.run(config(tmp_path, **conv))


def test_a_run_without_networks_has_no_page(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text(
        '{"config": {"study": "strong_tickets", "options": {}}, "higher_is_better": true}'
    )
    with pytest.raises(LotteryError, match="at least one network"):
        report.build(run)
