"""Draws a dense agent and pruned ones playing next to each other, as an animated GIF.

    python -m benchmarks.playing --run=FOLDER [--seed=0] [--sparsity=0.95] [--out=FILE]

The run must be on CartPole. The agents act greedily and start from the same state.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
SIZE = (270, 160)
EVERY = 4
"""Steps between two frames."""
MILLISECONDS = 80
_FINER = 2
"""Frames are drawn this much larger and then scaled down, which smooths edges."""

Observations = NDArray[np.float32]


def main(arguments: Sequence[str]) -> int:
    """Writes the picture; returns the exit code: 2 with one line for bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.playing", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="a run on CartPole")
    parser.add_argument("--seed", type=int, default=0, help="seed of the networks")
    parser.add_argument(
        "--sparsity", default="0.95", help="sparsities; the nearest levels are drawn"
    )
    parser.add_argument("--start", type=int, default=1, help="seed of the environment")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results/playing.gif")
    flags = parser.parse_args(arguments)
    os.environ.update({"KERAS_BACKEND": "tensorflow", "TF_USE_LEGACY_KERAS": "1"})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_lottery.errors import LotteryError

    try:
        sparsities = [float(text) for text in flags.sparsity.split(",")]
        games = played(flags.run, flags.seed, sparsities, flags.start)
    except LotteryError as error:
        print(f"playing: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    write(games, flags.out)
    print(f"picture: {flags.out} ({flags.out.stat().st_size:,} bytes)")
    return 0


def played(
    run: Path, seed: int, sparsities: Sequence[float], start: int
) -> dict[str, Observations]:
    """Returns the observations of a dense agent and pruned ones, by title, over one episode.

    Raises:
        LotteryError: the run isn't on CartPole, or has no such networks.
    """
    import keras_lottery.studies  # noqa: F401  registers studies and tasks
    from keras_lottery.errors import LotteryError
    from keras_lottery.records import load_config, read_results
    from keras_lottery.records.run_paths import RunPaths
    from keras_lottery.tasks import make_task
    from keras_lottery.tasks.rl.config import RLData
    from keras_lottery.tickets import load_state

    paths = RunPaths(run)
    config, _ = load_config(paths)
    if not (isinstance(config.data, RLData) and config.data.name.startswith("CartPole")):
        raise LotteryError(
            f"Expected a run on CartPole. Received: {config.name!r}. "
            "Use a run of yu2019/control:cartpole_small."
        )
    rows = [row for row in read_results(paths.results) if row.seed == seed]
    kept = [row for row in rows if paths.trained(row.training).exists()]
    pruned = [row for row in kept if row.arm == "winning"]
    dense = [row for row in kept if row.arm == "dense"]
    if not (pruned and dense):
        raise LotteryError(
            f"Expected a run that keeps trained networks of seed {seed}. Received: {run}, which "
            "does not. Choose another seed."
        )
    task = make_task(config)
    titles = {f"dense: {dense[0].kept:,} weights": dense[0]}
    for sparsity in sparsities:
        nearest = min(pruned, key=lambda row: abs(row.sparsity - sparsity))
        titles[f"{nearest.sparsity:.1%} pruned: {nearest.kept:,} weights"] = nearest
    return {
        title: game(task.export_model(load_state(paths.trained(row.training))), config, start)
        for title, row in titles.items()
    }


def game(model: Any, config: Any, start: int) -> Observations:
    """Returns the observations of one greedy episode, `(steps + 1, 4)`."""
    from keras_lottery.tasks.rl.environments.make import maker

    env = maker(config.data).make(False)
    seen, over = [env.reset(seed=start)[0]], False
    while not over:
        action = int(np.argmax(model(seen[-1][None])[0]))
        observation, _, terminated, truncated, _ = env.step(action)
        seen.append(observation)
        over = terminated or truncated
    env.close()
    return np.array(seen)


def write(games: dict[str, Observations], out: Path) -> None:
    """Writes the animation; a finished episode stands still until the others end."""
    longest = max(len(seen) for seen in games.values())
    pictures = [_picture(games, step) for step in range(0, longest, EVERY)]
    shared = pictures[0].quantize(32)
    frames = [picture.quantize(32, palette=shared) for picture in pictures]
    out.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        out, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, optimize=True
    )


def _picture(games: dict[str, Observations], step: int) -> Image.Image:
    width, height = SIZE
    whole = Image.new("RGB", (width * len(games), height), "white")
    for index, (title, seen) in enumerate(games.items()):
        at = min(step, len(seen) - 1)
        panel = _panel(title, seen[at], at, over=at == len(seen) - 1 and at < 500)
        whole.paste(panel, (index * width, 0))
    return whole


def _panel(title: str, observation: NDArray[np.float32], step: int, over: bool) -> Image.Image:
    """Draws cart and pole; the track is 4.8 long, and the pole is drawn twice its half length."""
    f, (width, height) = _FINER, SIZE
    image = Image.new("RGB", (width * f, height * f), "white")
    draw = ImageDraw.Draw(image)
    scale, ground = width * f / 5.2, height * f * 0.82
    x = width * f / 2 + float(observation[0]) * scale
    angle = float(observation[2])
    draw.line([(0, ground), (width * f, ground)], fill="#999999", width=f)
    cart = [x - 0.28 * scale, ground - 0.22 * scale, x + 0.28 * scale, ground - 0.02 * scale]
    draw.rectangle(cart, fill="#333333")
    foot = (x, ground - 0.2 * scale)
    tip = (foot[0] + np.sin(angle) * 1.5 * scale, foot[1] - np.cos(angle) * 1.5 * scale)
    draw.line([foot, tip], fill="#D55E00" if over else "#0072B2", width=4 * f)
    font = ImageFont.load_default(11 * f)
    draw.text((6 * f, 5 * f), title, fill="black", font=font)
    draw.text((6 * f, 20 * f), f"step {step}" + (", over" if over else ""), "#666666", font=font)
    return image.resize(SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
