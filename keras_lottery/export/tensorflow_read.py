"""Child process: loads a SavedModel with TensorFlow alone, runs it and lists its variables."""

import dataclasses
from pathlib import Path

from keras_lottery.export.child import Request, load_arrays, save_arrays
from keras_lottery.export.report import StoredVariable


def work(request: Request) -> Request:
    """Runs `artifact` on `inputs`, writes `outputs`, and answers with the variables."""
    import tensorflow as tf

    module = tf.saved_model.load(request["artifact"])
    serve = module.signatures["serving_default"]
    _, wanted = serve.structured_input_signature
    inputs = {
        name: tf.constant(value, dtype=wanted[name].dtype)
        for name, value in load_arrays(Path(request["inputs"])).items()
    }
    save_arrays(Path(request["outputs"]), {k: v.numpy() for k, v in serve(**inputs).items()})
    stored = [StoredVariable.of(path, v.numpy()) for path, v in sorted(module.weights.items())]
    return {"variables": [dataclasses.asdict(variable) for variable in stored]}
