"""Public functions raise only `LotteryError` for bad arguments, with the remedy."""

import re

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.errors import LotteryError

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.arange(8) % 3


def without_address(value):
    """Returns an id that is the same in every process."""
    return re.sub(r" at 0x\w+", "", str(value))


NAN, INF = float("nan"), float("inf")


def network(compiled=True):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), keras.layers.Dense(3)])
    if compiled:
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class OfTorch:
    """Stands for a model of torch or tf_keras, which have `built` and `name` too."""

    built, name, layers, weights, variables = True, "other", (), (), ()

    def __call__(self, x):
        return x


def quantized():
    model = network(compiled=False)
    for layer in model.layers:
        layer.quantize("int8")
    return model


def broken(value):
    model = network()
    kernel = model.layers[0].kernel
    array = np.array(keras.ops.convert_to_numpy(kernel))
    array[0, 0] = value
    kernel.assign(array)
    return model


def unbuilt():
    return keras.Sequential([keras.layers.Dense(3)])


NO_MODELS = {
    "None": lambda: None,
    "a string": lambda: "model.keras",
    "a list": lambda: [network()],
    "a number": lambda: 3,
    "a class": lambda: keras.Model,
    "of another library": OfTorch,
}
MODELS = NO_MODELS | {"unbuilt": unbuilt}
TAKE_MODELS = {
    "mask": kl.mask,
    "prune": kl.prune,
    "summary": kl.summary,
    "strip": kl.strip,
    "fit": lambda model: kl.fit(model, X, Y, verbose=0),
    "search": lambda model: kl.TicketSearch(1, verbose=False).fit(model, X, Y),
    "export": lambda model: kl.export(model, "nowhere/model.keras", "keras"),
    "apply": lambda model: kl.Ticket({}, {}).apply(model),
}
COMBINED = [
    pytest.param(call, make, id=f"{name} {kind}")
    for name, call in TAKE_MODELS.items()
    for kind, make in MODELS.items()
]


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.mark.parametrize(("call", "make"), COMBINED)
def test_no_model(call, make):
    with pytest.raises(LotteryError, match=r"(?i)expected a.*Received"):
        call(make())


@pytest.mark.parametrize("call", [kl.mask, kl.prune])
def test_quantized_weights_are_not_pruned(call):
    with pytest.raises(LotteryError, match="quantized to int8"):
        call(quantized())


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_weights_that_are_not_finite_are_not_pruned(value):
    model = broken(value)
    with pytest.raises(LotteryError, match=r"NaN or infinity in layers/dense/kernel\."):
        kl.prune(model, 0.5)
    assert kl.summary(model).prunable == 0  # still without masks


SETTINGS = [
    *(({"sparsity": bad}) for bad in (-0.1, 1.1, 90, NAN, INF, "0.9", True, [0.5], {"a": 1})),
    *(({"sparsity": bad}) for bad in ({}, {3: 0.5}, {"*": None}, {"*": 2}, {"*": "0.5"})),
    *(({"pattern": bad}) for bad in (None, 3, ["channels"], "chanels", "4:2", "block", "block:4")),
    *(({"sparsity": None, "pattern": "channels", "flops": bad}) for bad in (1.5, NAN, "1", True)),
    *(({"sparsity": None, "pattern": "channels", "bytes": bad}) for bad in (0, 1.5, "1", True)),
    {"flops": 0.5, "pattern": "channels"},
    {"sparsity": None, "bytes": 1000},
    *(({"criterion": bad}) for bad in ("nope", None, 3, [], {}, ("magnitude",))),
    *(({"scope": bad}) for bad in ("nope", None, 3, [])),
    *(({"criterion": "random", "seed": bad}) for bad in (-1, 1.5, None, "0", True, 2**40)),
    *(({"dry_run": bad}) for bad in ("no", 1, None)),
    *(({"initial": bad}) for bad in ([], 3, "x")),
    *(({"criterion": "snip", "data": bad}) for bad in (None, X, (X,), (X, Y, Y), "xy", 3)),
    {"criterion": "movement"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=without_address)
def test_prune(model, settings):
    with pytest.raises(LotteryError, match=r"(?i)expected.*Received"):
        kl.prune(model, **{"sparsity": 0.5} | settings)


MASKS = [
    *(({"include": bad}) for bad in (3, None, [3], [None], [""], "", {"a": 1}, b"x")),
    *(({"exclude": bad}) for bad in (3, None, [[]], object())),
    *(({name: "yes"}) for name in ("biases", "norms", "embeddings", "output", "in_place")),
    *(({"parametrization": bad}) for bad in ("nope", None, 3, [])),
    *(({"output_layer": bad}) for bad in (None, 3, ["x"])),
    *(({"parametrization": "edge_popup", "keep": bad}) for bad in (0, 1, "half", NAN, True, [])),
    {"keep": 0.5},
]


@pytest.mark.parametrize("settings", MASKS, ids=without_address)
def test_mask(settings):
    with pytest.raises(LotteryError, match=r"(?i)expected.*Received"):
        kl.mask(network(compiled=False), **settings)


FITS = [
    *(({"batch_size": bad}) for bad in (0, -1, 2.5, "8", True)),
    *(({"epochs": bad}) for bad in (-1, 1.5, "1")),
    *(({"seed": bad}) for bad in (-1, 0.5, "0", 2**40)),
    *(({"initial_epoch": bad}) for bad in (-1, 0.5)),
    *(({"initial_step": bad}) for bad in (-1, "0")),
    *(({"validation_split": bad}) for bad in (-0.1, 1.5, "0.5", NAN)),
    *(({"callbacks": bad}) for bad in (["x"], [None], 3, keras.callbacks.Callback)),
    *(({"class_weight": bad}) for bad in ([1, 2], 3, {0: 1.0})),
    *(({"verbose": bad}) for bad in (7, "loud")),
    {"x": None},
]


@pytest.mark.parametrize("settings", FITS, ids=without_address)
def test_fit(model, settings):
    with pytest.raises(LotteryError, match=r"(?i)expected.*Received"):
        kl.fit(model, **{"x": X, "y": Y, "verbose": 0} | settings)


def test_fit_of_a_model_that_is_not_compiled():
    with pytest.raises(LotteryError, match=r"(?i)expected a compiled model"):
        kl.fit(network(compiled=False), X, Y)


SEARCHES = [
    *(({"rounds": bad}) for bad in (0, -1, 2.5, "3", None, True, 10**9)),
    *(({"rate": bad}) for bad in (0, 1, -0.2, NAN, "0.2", None, True)),
    *(({"rewind_to": bad}) for bad in ("", "soon", "5", "-1it", 3, ["1ep"])),
    *(({"arms": bad}) for bad in ("winning", ["nope"], [3], 3, None, ["supermask"])),
    *(({"criterion": bad}) for bad in ("nope", "batch_norm_scale", None, 3, [])),
    *(({"scope": bad}) for bad in ("nope", None, 3)),
    *(({"include": bad}) for bad in (3, [3], None)),
    *(({"exclude": bad}) for bad in (3, [3])),
    *(({"seeds": bad}) for bad in (0, [-1], [0.5], "0", None, [], [1, 1])),
    {"reinitialize": 1},
    *(({"verbose": bad}) for bad in ("no", 1)),
]


@pytest.mark.parametrize("settings", SEARCHES, ids=without_address)
def test_ticket_search(settings):
    with pytest.raises(LotteryError, match=r"(?i)expected.*Received"):
        kl.TicketSearch(**settings)


def gradual(**settings):
    return kl.callbacks.GradualPruning(**{"final_sparsity": 0.5, "end_step": 10} | settings)


OTHERS = {
    "final_sparsity above 1": lambda: gradual(final_sparsity=2),
    "final_sparsity text": lambda: gradual(final_sparsity="0.5"),
    "final_sparsity None": lambda: gradual(final_sparsity=None),
    "final_sparsity NaN": lambda: gradual(final_sparsity=NAN),
    "final_sparsity dict": lambda: gradual(final_sparsity={"final_sparsity": 0.5}),
    "initial above final": lambda: gradual(initial_sparsity=0.9),
    "end_step fraction": lambda: gradual(end_step=10.5),
    "end_step text": lambda: gradual(end_step="10"),
    "end_step negative": lambda: gradual(end_step=-1),
    "begin after end": lambda: gradual(begin_step=11),
    "frequency zero": lambda: gradual(frequency=0),
    "frequency None": lambda: gradual(frequency=None),
    "gradual criterion": lambda: gradual(criterion="nope"),
    "gradual scope": lambda: gradual(scope=None),
    "gradual include": lambda: gradual(include=3),
    "gradual exclude": lambda: gradual(exclude=[None]),
    "equilibrium without x": lambda: kl.callbacks.NeuronEquilibrium(None),
    "equilibrium epsilon": lambda: kl.callbacks.NeuronEquilibrium(X, epsilon="small"),
    "equilibrium epsilon NaN": lambda: kl.callbacks.NeuronEquilibrium(X, epsilon=NAN),
    "equilibrium mu": lambda: kl.callbacks.NeuronEquilibrium(X, mu=2),
    "equilibrium mu None": lambda: kl.callbacks.NeuronEquilibrium(X, mu=None),
    "equilibrium include": lambda: kl.callbacks.NeuronEquilibrium(X, include=3),
    "freezing counts": lambda: kl.callbacks.RandomFreezing(X, None),
    "freezing counts of numbers": lambda: kl.callbacks.RandomFreezing(X, [3]),
    "freezing seed": lambda: kl.callbacks.RandomFreezing(X, [], seed=-1),
    "rewind at nothing": lambda: kl.callbacks.RewindPoint(None),
    "rewind at a number": lambda: kl.callbacks.RewindPoint(5),
    "rewind at text": lambda: kl.callbacks.RewindPoint("soon"),
    "logger": lambda: kl.callbacks.SparsityLogger("all"),
    "register None": lambda: kl.register_prunable(None, kernel=("w",)),
    "register an instance": lambda: kl.register_prunable(keras.layers.Dense(3)),
    "register text": lambda: kl.register_prunable(keras.layers.Layer, kernel="kernel"),
    "register numbers": lambda: kl.register_prunable(keras.layers.Layer, bias=(3,)),
    "register group": lambda: kl.register_prunable(keras.layers.Layer, group="nope"),
    "register subtree": lambda: kl.register_prunable(keras.layers.Layer, subtree="yes"),
    "masked None": lambda: kl.Masked(None),
    "masked text": lambda: kl.Masked("dense"),
    "masked other": lambda: kl.Masked(OfTorch()),
    "masked parametrization": lambda: kl.Masked(keras.layers.Dense(3), parametrization="nope"),
    "masked keep": lambda: kl.Masked(keras.layers.Dense(3), keep=0.5),
    "masked biases": lambda: kl.Masked(keras.layers.Dense(3), biases="yes"),
    "export format": lambda: kl.export(network(), "nowhere/x", "nope"),
    "export format None": lambda: kl.export(network(), "nowhere/x", None),
    "export out None": lambda: kl.export(network(), None),
    "export out number": lambda: kl.export(network(), 3),
    "export out empty": lambda: kl.export(network(), ""),
    "export suffix": lambda: kl.export(network(), "nowhere/x", "keras"),
    "export tolerance": lambda: kl.export(network(), "nowhere/x", tolerance="loose"),
    "export tolerance NaN": lambda: kl.export(network(), "nowhere/x", tolerance=NAN),
    "export assets": lambda: kl.export(network(), "nowhere/x", assets=["a"]),
    "export assets text": lambda: kl.export(network(), "nowhere/x", assets={"a": "text"}),
    "ticket None": lambda: kl.Ticket(None, None),
    "ticket lists": lambda: kl.Ticket([], []),
    "ticket no start": lambda: kl.Ticket({"a": np.ones(3, bool)}, {}),
    "ticket shapes": lambda: kl.Ticket({"a": np.ones(3, bool)}, {"a": np.ones(4)}),
    "ticket fills": lambda: kl.Ticket({}, {}, 3),
    "ticket provenance": lambda: kl.Ticket({}, {}, {}, "here"),
    "ticket load None": lambda: kl.Ticket.load(None),
    "ticket load number": lambda: kl.Ticket.load(3),
    "ticket load missing": lambda: kl.Ticket.load("nowhere.safetensors"),
    "ticket load folder": lambda: kl.Ticket.load("/"),
    "ticket masks None": lambda: kl.Ticket.load_masks(None),
    "ticket preset": lambda: kl.Ticket.from_preset("nope"),
    "ticket preset None": lambda: kl.Ticket.from_preset(None),
    "ticket save None": lambda: kl.Ticket({}, {}).save(None),
    "ticket fit None": lambda: kl.Ticket({}, {}).fit(None),
    "ticket fit exclude": lambda: kl.Ticket({}, {}).fit({}, exclude=3),
    "ticket apply strict": lambda: kl.Ticket({}, {}).apply(network(), strict="no"),
    "ticket apply exclude": lambda: kl.Ticket({}, {}).apply(network(), exclude=[3]),
    "ticket of another model": lambda: kl.Ticket({}, {"a": np.ones(3)}).apply(network()),
    "report None": lambda: kl.report.build(None),
    "report number": lambda: kl.report.build(3),
    "report missing": lambda: kl.report.build("nowhere"),
    "report tensorboard": lambda: kl.report.build("nowhere", tensorboard="yes"),
    "headline None": lambda: kl.report.headline(None),
    "headline missing": lambda: kl.report.headline("nowhere"),
    "table None": lambda: kl.report.terminal_table(None),
    "page None": lambda: kl.report.write_page(None, "name"),
    "page name": lambda: kl.report.write_page("nowhere", None),
    "page name outside": lambda: kl.report.write_page("nowhere", "../name"),
    "index None": lambda: kl.report.write_index(None),
    "index missing": lambda: kl.report.write_index("nowhere"),
    "search epochs": lambda: kl.TicketSearch(1).fit(network(), X, Y, epochs=0),
    "search x": lambda: kl.TicketSearch(1).fit(network(), None),
    "search batch_size": lambda: kl.TicketSearch(1).fit(network(), X, Y, batch_size=-1),
    "search not compiled": lambda: kl.TicketSearch(1).fit(network(compiled=False), X, Y),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LotteryError, match=r"(?i)expected.*Received"):
        OTHERS[name]()
    assert list(tmp_path.iterdir()) == []


def test_numpy_scalars_are_numbers():
    summary = kl.prune(network(), np.float32(0.9), criterion="random", seed=np.int64(1))
    assert summary.kept == summary.prunable - int(0.9 * summary.prunable)
    gradual(final_sparsity=np.float64(0.5), end_step=np.int32(10))
    kl.TicketSearch(rounds=np.int64(2), rate=np.float32(0.2), verbose=np.bool_(False))
    kl.mask(network(compiled=False), biases=np.bool_(True))
