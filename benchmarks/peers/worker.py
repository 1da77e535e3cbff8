"""Trains one network with one package, a fixed number of steps for each line on standard input.

    PYTHON benchmarks/peers/worker.py PEER CASE [--checkout=FOLDER] [--threads=N] [--steps=N]

`benchmarks.peers.side_by_side` starts it, one process per package, under that package's Python, so
it imports every package in a function. It prints `ready` after the setup, and `done` after each
line's steps. Half of the weights are pruned. The networks of the peers are written here where
they bring none; OpenLTH's and CleanRL's are their own.
"""

import argparse
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

MNIST, CIFAR = (28, 28, 1), (32, 32, 3)
IMAGES = {"lenet": (MNIST, 60), "conv2": (CIFAR, 60), "resnet20": (CIFAR, 128)}
WORDS, LENGTH, CLASSES = 1000, 20, 10
TEXT_BATCH = 32
RATE = 1.2e-3
HIDDEN, GAME_BATCH, FRAMES_PER_STEP = (120, 84), 128, 10  # CleanRL's defaults

Call = Callable[[], object]


def ours(case: str, steps: int, checkout: str) -> Call:
    """Returns a call of this package's loop, on the backend in `KERAS_BACKEND`."""
    if case == "cartpole":
        return _our_agent(steps)
    from dataclasses import replace

    from benchmarks import made
    from benchmarks.epoch_vs_fit import package_epoch

    cases = {
        "lenet": lambda: made.lenet(steps),
        "conv2": made.conv2,
        "resnet20": made.resnet20,
        "lstm": made.lstm,
        "transformer": made.transformer,
    }
    return package_epoch(replace(cases[case](), steps=steps))


def _our_agent(steps: int) -> Call:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from benchmarks import rl_loop

    dqn = {
        "frames_per_update": FRAMES_PER_STEP,
        "updates_per_call": 1,
        "learning_starts": 200,
        "replay": 10_000,
    }
    case = rl_loop.Case(
        "CartPole",
        {"name": "CartPole-v1", "envs": 1},
        {"hidden": HIDDEN, "dqn": dqn},
        GAME_BATCH,
        steps,
    )
    return rl_loop.loop_of(case, rl_loop.masked_agent(case))


def open_lth(case: str, steps: int, checkout: str) -> Call:
    """Returns a call of OpenLTH's own training loop, with its own loader and pruned network."""
    sys.path.insert(0, checkout)
    np.product = np.prod  # type: ignore[attr-defined]  # NumPy 2 has no `product`
    import torch
    from datasets import cifar10, mnist
    from foundations.hparams import ModelHparams, TrainingHparams
    from foundations.step import Step
    from models import registry
    from platforms import local, platform
    from pruning.mask import Mask
    from pruning.pruned_model import PrunedModel
    from training.train import train

    platform._PLATFORM = local.Platform()
    names = {"lenet": "mnist_lenet_300_100", "resnet20": "cifar_resnet_20"}
    shape, batch = IMAGES[case]
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (steps * batch, *shape), np.uint8)
    labels = rng.integers(0, CLASSES, steps * batch)
    if case == "lenet":
        data = mnist.Dataset(torch.from_numpy(pixels[..., 0]), torch.from_numpy(labels))
        loader = mnist.DataLoader(data, batch, num_workers=0)
    else:
        data = cifar10.Dataset(pixels, labels, [])
        loader = cifar10.DataLoader(data, batch, num_workers=0)
    model = registry.get(ModelHparams(names[case], "kaiming_normal", "uniform"), CLASSES)
    mask = Mask(
        {k: (rng.random(v.shape) < 0.5).astype(np.float32) for k, v in _prunable(model).items()}
    )
    pruned = PrunedModel(model, mask)
    settings = TrainingHparams("adam", RATE, f"{steps}it", data_order_seed=0)

    def call() -> None:
        with tempfile.TemporaryDirectory() as out:
            end = Step.from_iteration(steps, loader.iterations_per_epoch)
            train(settings, pruned, loader, out, end_step=end)

    return call


def _prunable(model: Any) -> dict[str, Any]:
    state = model.state_dict()
    return {name: state[name] for name in model.prunable_layer_names}


def torch_prune(case: str, steps: int, checkout: str) -> Call:
    """Returns a call of a plain PyTorch loop with `torch.nn.utils.prune`, data in memory."""
    import torch
    from torch.nn.utils import prune

    torch.manual_seed(0)
    model = _torch_model(case)
    for path, module in model.named_modules():
        if path.endswith("out_proj"):
            continue  # attention reads its weight without calling it, so it can't be pruned
        for name, value in list(module.named_parameters(recurse=False)):
            if value.dim() > 1:
                prune.random_unstructured(module, name, amount=0.5)
    x, y, batch = _torch_data(case, steps)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    loss_of = torch.nn.CrossEntropyLoss()

    def call() -> None:
        model.train()
        order = torch.randperm(len(y))
        for rows in order.split(batch):
            optimizer.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()

    return call


def _torch_data(case: str, steps: int) -> tuple[Any, Any, int]:
    import torch

    rng = np.random.default_rng(0)
    if case in IMAGES:
        (height, width, channels), batch = IMAGES[case]
        count = steps * batch
        x = torch.from_numpy(rng.random((count, channels, height, width), np.float32))
    else:
        batch, count = TEXT_BATCH, steps * TEXT_BATCH
        x = torch.from_numpy(rng.integers(0, WORDS, (count, LENGTH)))
    return x, torch.from_numpy(rng.integers(0, CLASSES, count)), batch


def _torch_model(case: str) -> Any:
    from torch import nn

    if case == "lenet":
        sizes = (784, 300, 100)
        hidden = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(100, CLASSES))
    if case == "conv2":
        convs = [nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1)]
        dense = [nn.Linear(64 * 16 * 16, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
        pool = [nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        return nn.Sequential(*convs, *pool, *dense, nn.Linear(256, CLASSES))
    return {"resnet20": _torch_resnet, "lstm": _torch_lstm, "transformer": _torch_encoder}[case]()


def _torch_resnet() -> Any:
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs: int, filters: int, stride: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                nn.Conv2d(inputs, filters, 3, stride, 1, bias=False),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
                nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
                nn.BatchNorm2d(filters),
            )
            shortcut = [nn.Conv2d(inputs, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)]
            self.shortcut = nn.Sequential(*(shortcut if stride > 1 else []))

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.inner(x) + self.shortcut(x))

    layers: list[Any] = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    inputs = 16
    for filters in (16, 32, 64):
        for block in range(3):
            layers.append(Block(inputs, filters, 2 if filters > 16 and block == 0 else 1))
            inputs = filters
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, nn.Linear(64, CLASSES))


def _torch_lstm() -> Any:
    from torch import nn

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(32, 64, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[0][:, -1]

    return nn.Sequential(nn.Embedding(WORDS, 32), Last(), nn.Linear(64, CLASSES))


def _torch_encoder() -> Any:
    from torch import nn

    class Mean(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean(1)

    layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2)
    return nn.Sequential(nn.Embedding(WORDS, 64), encoder, Mean(), nn.Linear(64, CLASSES))


def jaxpruner(case: str, steps: int, checkout: str) -> Call:
    """Returns a call of a scanned JAX loop whose optax optimizer is wrapped by jaxpruner."""
    sys.path.insert(0, checkout)
    import jax
    import jax.numpy as jnp
    import jaxpruner as peer
    import ml_collections
    import optax

    (height, width, channels), batch = IMAGES[case]
    rng = np.random.default_rng(0)
    sizes = (height * width * channels, 300, 100, CLASSES)
    params = [
        {
            "kernel": rng.normal(0, (2 / a) ** 0.5, (a, b)).astype(np.float32),
            "bias": np.zeros(b, np.float32),
        }
        for a, b in pairwise(sizes)
    ]
    x = jnp.asarray(rng.random((steps, batch, sizes[0]), np.float32))
    y = jnp.asarray(rng.integers(0, CLASSES, (steps, batch)))
    config = ml_collections.ConfigDict(
        {"algorithm": "magnitude", "dist_type": "uniform", "sparsity": 0.5}
        | {"update_freq": 10, "update_start_step": 0, "update_end_step": 0}
    )
    updater = peer.create_updater_from_config(config)
    optimizer = updater.wrap_optax(optax.adam(RATE))

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        for layer in params[:-1]:
            x = jax.nn.relu(x @ layer["kernel"] + layer["bias"])
        x = x @ params[-1]["kernel"] + params[-1]["bias"]
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        # Pruned weights take part in the forward pass unless they are masked before it.
        masked = updater.pre_forward_update(params, state)
        gradients = jax.grad(loss_of)(masked, *batch)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        return (updater.post_gradient_update(params, state), state), None

    epoch = jax.jit(lambda carry: jax.lax.scan(step, carry, (x, y))[0])
    state = [(params, optimizer.init(params))]

    def call() -> None:
        state[0] = jax.block_until_ready(epoch(state[0]))

    return call


def cleanrl(case: str, steps: int, checkout: str) -> Call:
    """Returns a call of CleanRL's dqn.py, dense: its frames before the first step count, too."""
    sys.path.insert(0, checkout)
    from cleanrl_utils import buffers  # noqa: F401  (an import that would be timed)

    frames = steps * FRAMES_PER_STEP
    script = os.path.join(checkout, "cleanrl", "dqn.py")
    options = ["--env-id=CartPole-v1", f"--total-timesteps={frames + 200}", "--no-cuda"]
    options += ["--learning-starts=200", "--seed=1"]

    def call() -> None:
        sys.argv = [script, *options]
        with tempfile.TemporaryDirectory() as out:
            os.chdir(out)  # it writes runs/
            runpy.run_path(script, run_name="__main__")
            os.chdir(checkout)

    return call


PEERS = {
    "ours": ours,
    "open_lth": open_lth,
    "jaxpruner": jaxpruner,
    "torch_prune": torch_prune,
    "cleanrl": cleanrl,
}
ON_TORCH = ("open_lth", "torch_prune", "cleanrl")


def main() -> None:
    """Sets up, then trains once for each line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("case")
    parser.add_argument("--checkout", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    out = os.dup(1)
    os.dup2(2, 1)  # what the packages print must not get among the answers
    if options.peer in ON_TORCH or os.environ.get("KERAS_BACKEND") == "torch":
        import torch

        torch.set_num_threads(options.threads)
    call = PEERS[options.peer](options.case, options.steps, options.checkout)
    call()
    os.write(out, b"ready\n")
    for _ in sys.stdin:
        call()
        os.write(out, b"done\n")


if __name__ == "__main__":
    main()
