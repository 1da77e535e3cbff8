"""The same training by this package, on the backend of this process."""

import argparse
from collections.abc import Iterator, Mapping

import keras
import numpy as np

from benchmarks.validation.losses import experiment
from keras_lottery.engine.progress import NoProgress
from keras_lottery.tasks import make_task
from keras_lottery.types import MaskSet, Start, Training, Weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", help="the .npz file that benchmarks.validation.losses writes")
    parser.add_argument("out", help="the .npz file to write")
    options = parser.parse_args()
    np.savez(options.out, **dict(trained(np.load(options.inputs))))  # type: ignore[arg-type]


def trained(inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the losses of every case, by steps per compiled call and `<optimizer>/<masks>`."""
    names = {i: (str(k), str(b)) for i, (k, b) in enumerate(inputs["paths"])}
    weights: Weights = {}
    for i, (kernel, bias) in names.items():
        weights |= {kernel: inputs[f"kernel/{i}"], bias: inputs[f"bias/{i}"]}
    seed = int(inputs["seed"])
    backend = keras.config.backend()
    for every in inputs["calls"].tolist():
        for optimizer in sorted({str(case).partition("/")[0] for case in inputs["cases"]}):
            # One task, and thus one compiled program, for the dense and the sparse network.
            task = make_task(experiment(optimizer, every, backend))
            for case in (str(c) for c in inputs["cases"] if str(c).startswith(optimizer)):
                masks: MaskSet = {
                    kernel: inputs[f"{case.partition('/')[2]}/{i}"]
                    for i, (kernel, _) in names.items()
                }
                outcome = task.fit(
                    Training("", task.name, seed, 1, "winning"),
                    Start(weights, masks, seed=seed),
                    NoProgress(),
                )
                yield f"{every}/{case}", np.array([row["loss"] for row in outcome.history])


if __name__ == "__main__":
    main()
