"""A run folder with numbers from a formula, never measurements."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from keras_lottery.records import Records, ResultRow, layer_rows
from keras_lottery.records.rows import COLUMNS, MetricRow
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.records.tables import write_table
from keras_lottery.report.results import Results, results_of_rows
from keras_lottery.types import MaskSet, Training

LAYERS = {
    "layers/dense/kernel": (64, 300),
    "layers/dense_1/kernel": (300, 100),
    "output/kernel": (100, 10),
}
# How much each arm gains at mid sparsity, and from which log2 of compression it falls.
SHAPES = {
    "winning": (0.010, 4.5), "reinit": (0.0, 2.3), "permuted_layer": (0.0, 2.0),
    "permuted_global": (0.0, 1.2), "init_permuted": (0.001, 2.5), "one_shot": (0.006, 3.4),
    "winning_init": (0.008, 4.0),
}  # fmt: skip
ARMS = ("winning", "reinit", "permuted_layer")
FRESH = ("reinit", "permuted_layer", "permuted_global")


def make_run(
    root: Path,
    seeds: Iterable[int] = range(5),
    rounds: int = 15,
    arms: Iterable[str] = ARMS,
    draws: int = 1,
    rate: float = 0.2,
    lower: bool = False,
    unfinished: Iterable[tuple[str, int]] = (),
    masks: bool = True,
) -> Path:
    """Writes a run folder and returns it.

    Args:
        lower: the metric is a perplexity, where lower is better.
        unfinished: (arm, round) pairs without rows.
        masks: write tickets and layer tables too.
    """
    seeds, arms, unfinished = list(seeds), list(arms), set(unfinished)
    paths, records = RunPaths(root), Records(RunPaths(root))
    root.mkdir(parents=True, exist_ok=True)
    paths.config.write_text(json.dumps(_config(seeds, rounds, arms, draws, rate, lower)))
    results: list[list[str]] = []
    metrics: list[list[str]] = []
    for seed in seeds:
        todo = [("dense", 0, 0)] + [
            (arm, number, draw)
            for number in range(1, rounds + 1)
            for arm in arms
            for draw in range(draws if arm in FRESH else 1)
        ]
        for arm, number, draw in todo:
            if (arm, number) in unfinished:
                continue
            training = Training("", "vision", seed, number, arm, draw)
            mask = made_masks(seed, (1 - rate) ** number, shuffled=arm.startswith("permuted"))
            if masks:
                records.write_layers(training, layer_rows(mask))
                _write_ticket(paths, training, mask)
            records.write_history(training, _history(training))
            results.append(_row(training, mask, lower).texts())
            further = {"validation_loss": 0.1 + 0.01 * number, "initial_accuracy": 0.1 * number}
            metrics += [MetricRow.of(training, name, v).texts() for name, v in further.items()]
    write_table(paths.results, COLUMNS, results)  # at once: `append` replaces the files each time
    write_table(paths.metrics, MetricRow.columns(), metrics)
    return root


def made_results(seeds: int = 3, rounds: int = 2, arms: Iterable[str] = ARMS) -> Results:
    """Returns results with the same numbers, without a run folder."""
    trainings = [Training("", "vision", s, 0, "dense", 0) for s in range(seeds)]
    trainings += [
        Training("", "vision", seed, number, arm, 0)
        for seed in range(seeds)
        for number in range(1, rounds + 1)
        for arm in arms
    ]
    rows = [_row(t, made_masks(t.seed, 0.5**t.round), False) for t in trainings]
    config = {"arms": list(arms), "report": {"sparse": 0.5}}
    return results_of_rows(RunPaths(Path("nowhere")), "vision", rows, True, config, {})


def made_masks(seed: int, left: float, shuffled: bool = False) -> MaskSet:
    """Returns masks that keep `left` of all weights; seeds share part of their scores."""
    own, shared = np.random.default_rng(seed + 1), np.random.default_rng(0)
    scores = {
        path: own.normal(size=shape) + 0.7 * shared.normal(size=shape) * (1 + i)
        for i, (path, shape) in enumerate(LAYERS.items())
    }
    every = np.sort(np.abs(np.concatenate([s.ravel() for s in scores.values()])))
    cut = every[min(len(every) - 1, int(len(every) * (1 - left)))]
    masks = {path: np.abs(score) >= cut for path, score in scores.items()}
    if shuffled:
        masks = {p: own.permutation(m.ravel()).reshape(m.shape) for p, m in masks.items()}
    return masks


def made_value(training: Training, compression: float, lower: bool) -> float:
    """Returns an accuracy (or a perplexity) that rises a little and then falls."""
    noise = np.random.default_rng([training.seed, training.round, len(training.arm)])
    seed = np.random.default_rng(training.seed).normal(scale=0.004)
    gain, knee = SHAPES.get(training.arm, (0.0, 2.2))
    bump = gain * min(compression, 3.0) / 3.0
    fall = 0.02 * max(0.0, compression - knee) ** 1.5
    accuracy = 0.965 + bump - fall + seed + noise.normal(scale=0.003)
    return float(120 - 40 * accuracy) if lower else float(np.clip(accuracy, 0.1, 1.0))


def _row(training: Training, masks: MaskSet, lower: bool) -> ResultRow:
    kept, size = (sum(int(f(m)) for m in masks.values()) for f in (np.sum, np.size))
    compression = float(np.log2(size / kept))
    value = made_value(training, compression, lower)
    speed = 1.0 - 0.12 * compression if training.arm == "winning" else 1.0 + 0.05 * compression
    noise = np.random.default_rng([training.round, training.seed, len(training.arm)]).normal()
    best_step = int(np.clip(round((600 * speed + 60 * noise) / 50) * 50, 50, 1000))
    return ResultRow(
        **dataclasses.asdict(training),
        sparsity=1 - kept / size, kept=kept, prunable=size, total=size + 410,
        flops=2 * kept + 820, steps=1000, seconds=0.3, compile_seconds=0.0,
        metric="perplexity" if lower else "accuracy", value=value, final_value=value,
        best_value=value, best_step=best_step,
    )  # fmt: skip


def _history(training: Training) -> list[dict[str, float]]:
    return [
        {"step": s, "validation_loss": 1 / s + training.round / 1e4} for s in range(100, 1001, 300)
    ]


def _write_ticket(paths: RunPaths, training: Training, masks: MaskSet) -> None:
    from keras_lottery.tickets import Ticket

    start = {path: np.zeros(mask.shape, np.float32) for path, mask in masks.items()}
    Ticket(masks=masks, start=start).save(paths.ticket(training))


def _config(
    seeds: list[int], rounds: int, arms: list[str], draws: int, rate: float, lower: bool
) -> dict[str, Any]:
    return {
        "config": {
            "name": "made", "task": "vision", "seeds": seeds, "arms": arms, "draws": draws,
            "data": {"name": "made"}, "model": {"name": "lenet"},
            "optimizer": {"name": "adam", "learning_rate": 0.0012},
            "train": {"length": "1000it", "batch_size": 60, "value": "final"},
            "prune": {"rounds": rounds, "rate": rate, "schedule": "geometric",
                      "criterion": "magnitude", "scope": "layer", "rates": {"output": rate / 2}},
            "rewind": {"to": "0it", "mode": "weights"},
        },
        "versions": {"keras": "3.15.1", "numpy": "2.4.0"}, "backend": "jax", "devices": ["cpu:0"],
        "metric": "perplexity" if lower else "accuracy", "higher_is_better": not lower,
    }  # fmt: skip
