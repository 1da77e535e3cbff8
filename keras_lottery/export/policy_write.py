"""Child process: turns a `.keras` file into a policy of TF-Agents."""

from pathlib import Path

from keras_lottery.export.archive import load_archive
from keras_lottery.export.child import Request
from keras_lottery.export.signature import named


def work(request: Request) -> Request:
    """Loads `archive` and writes `artifact`."""
    from keras_lottery.tasks.rl import policies

    model = load_archive(request)
    policies.save(model, lambda outputs: named(outputs, "output"), Path(request["artifact"]))
    return {}
