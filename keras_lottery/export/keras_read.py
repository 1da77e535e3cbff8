"""Child process: loads a `.keras` file, calls the model and lists its variables."""

import dataclasses
from pathlib import Path

from keras_lottery.export.archive import load_archive
from keras_lottery.export.child import Request, load_arrays, save_arrays
from keras_lottery.export.signature import Signature


def work(request: Request) -> Request:
    """Runs `artifact` on `inputs`, writes `outputs`, and answers with the variables."""
    from keras_lottery.export.plain import answers, stored_variables

    model = load_archive(request)
    signature = Signature.from_json(request["signature"])
    outputs = answers(model, signature, load_arrays(Path(request["inputs"])))
    save_arrays(Path(request["outputs"]), outputs)
    return {"variables": [dataclasses.asdict(variable) for variable in stored_variables(model)]}
