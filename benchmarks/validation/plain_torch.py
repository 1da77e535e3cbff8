"""The same training as a plain torch loop, without this package or Keras."""

import argparse
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch.nn import functional as F


def train(
    kernels: list[np.ndarray],
    biases: list[np.ndarray],
    masks: list[np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    batches: np.ndarray,
    optimizer: str,
    learning_rate: float,
) -> np.ndarray:
    """Trains a fully connected network and returns the loss of each step, shape (steps,).

    Args:
        kernels: one per layer, of shape (inputs, outputs).
        biases: one per layer.
        masks: one per kernel, True: kept.
        x: examples (examples, inputs).
        y: labels (examples,).
        batches: examples of each step (steps, batch).
        optimizer: `adam` (as Keras rounds it), `adam_double` or `sgd` (with momentum 0.9).
    """
    weights = [torch.tensor(k.T.copy(), requires_grad=True) for k in kernels]
    shifts = [torch.tensor(b, requires_grad=True) for b in biases]
    kept = [torch.tensor(m.T.copy()) for m in masks]
    images, labels = torch.tensor(x), torch.tensor(y, dtype=torch.int64)
    steps = torch.tensor(batches, dtype=torch.int64)
    if optimizer != "sgd":
        rule = torch.optim.Adam([*weights, *shifts], lr=learning_rate, betas=(0.9, 0.999))
    else:
        rule = torch.optim.SGD([*weights, *shifts], lr=learning_rate, momentum=0.9)
    losses = []
    for step, rows in enumerate(steps, 1):
        if optimizer != "sgd":
            rule.param_groups[0].update(
                adam_settings(step, learning_rate, single=optimizer == "adam")
            )
        hidden = images[rows]
        for i, (weight, shift, mask) in enumerate(zip(weights, shifts, kept, strict=True)):
            hidden = F.linear(hidden, torch.where(mask, weight, 0.0), shift)
            hidden = F.relu(hidden) if i + 1 < len(weights) else hidden
        loss = F.cross_entropy(hidden, labels[rows])
        rule.zero_grad()
        loss.backward()
        rule.step()
        losses.append(loss.item())
    return np.array(losses)


def adam_settings(step: int, learning_rate: float, single: bool) -> dict[str, float]:
    """Returns the settings that make torch's Adam take Keras' step.

    Keras: w -= a m / (√v + 1e-7) with a = lr √(1 - 0.999^t) / (1 - 0.9^t) in single precision.
    torch: w -= lr' / (1 - 0.9^t) m / (√v / √(1 - 0.999^t) + eps), in double precision.

    Args:
        step: t, from 1.
        learning_rate: lr.
        single: round a as Keras does; otherwise only the epsilon is carried over.
    """
    second = (1 - 0.999**step) ** 0.5
    settings = {"eps": 1e-7 / second}
    if single:
        one, t = np.float32(1), np.float32(step)
        roots = np.sqrt(one - np.float32(0.999) ** t), one - np.float32(0.9) ** t
        a = np.float32(learning_rate) * roots[0] / roots[1]
        settings["lr"] = float(a) * (1 - 0.9**step) / second
    return settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", help="the .npz file that benchmarks.validation.losses writes")
    parser.add_argument("out", help="the .npz file to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    inputs = np.load(options.inputs)
    np.savez(options.out, **dict(trained(inputs)))  # type: ignore[arg-type]


def trained(inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the losses of every case, named by `<optimizer>/<masks>`; Adam in both precisions."""
    layers = range(len([name for name in inputs if name.startswith("kernel/")]))
    cases = [str(case) for case in inputs["cases"]]
    for case in [*cases, *(c.replace("adam/", "adam_double/") for c in cases if "adam" in c)]:
        optimizer, _, masks = case.partition("/")
        yield (
            case,
            train(
                [inputs[f"kernel/{i}"] for i in layers],
                [inputs[f"bias/{i}"] for i in layers],
                [inputs[f"{masks}/{i}"] for i in layers],
                inputs["x"],
                inputs["y"],
                inputs["batches"],
                optimizer,
                float(inputs[f"learning_rate/{optimizer.partition('_')[0]}"]),
            ),
        )


if __name__ == "__main__":
    main()
