"""Copies a ticket of a run into the package, for `kl.Ticket.from_preset`.

    python -m benchmarks.preset_tickets --run=RUN --name=lenet_digits --config=quickstart --round=6

The provenance records its config and its value; a test retrains it.
"""

import argparse
from pathlib import Path

from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tickets import Ticket

FOLDER = Path(__file__).resolve().parents[1] / "keras_lottery/presets_tickets"


def main() -> None:
    """Copies one ticket."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--config", required=True, help="name of the config that was run")
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    paths = RunPaths(options.run)
    key = (options.seed, options.round, "winning")
    row = next(row for row in read_results(paths.results) if (row.seed, row.round, row.arm) == key)
    ticket = Ticket.load(paths.ticket(row.training))
    known = {"config": options.config, "steps": row.steps, "value": row.value}
    provenance = dict(ticket.provenance) | known
    path = FOLDER / f"{options.name}.ticket.safetensors"
    Ticket(ticket.masks, ticket.start, ticket.fills, provenance).save(path)
    print(f"{path.name}: {row.remaining:.2%} remaining, {row.metric} {row.value:.4f}")


if __name__ == "__main__":
    main()
