"""Times the small networks of `benchmarks.half_the_flops` against the dense one, as JSON.

    python -m benchmarks.half_the_flops_speed FOLDER dense NETWORK ...

It runs as a separate process, because `benchmarks.what_you_get` limits its process to one thread.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import keras

from benchmarks.compare import ratios
from benchmarks.what_you_get import PAIRS, Artifacts, latencies

FORMATS = ("saved_model", "litert", "onnx", "openvino")


def main(folder: Path, names: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Returns how many times as fast networks are: by format, network and batch size."""
    with TemporaryDirectory() as place:
        artifacts = {
            name: Artifacts(
                keras.models.load_model(folder / f"{name}.keras"), FORMATS, Path(place) / name
            )
            for name in names
        }
        found: dict[str, dict[str, dict[str, float]]] = {}
        for form in FORMATS:
            calls = {name: of.calls[form] for name, of in artifacts.items()}
            seconds = latencies(calls, artifacts["dense"].subject.inputs, PAIRS)
            found[form] = {
                name: {batch: ratios(v, "dense", name).median for batch, v in seconds.items()}
                for name in names[1:]
            }
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))
