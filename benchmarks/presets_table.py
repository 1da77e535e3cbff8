"""Writes docs/results/presets.md: what each preset builds and runs, and where that is stated.

    python -m benchmarks.presets_table

The sources are the comments of the config files; the counts are those of the networks as built.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from benchmarks.language import WORDS, bert_variables
from benchmarks.preset_sources import sources
from keras_lottery import masking
from keras_lottery.config import Config, OptimizerConfig, freeze, presets
from keras_lottery.tasks.vision.images import Images, Split
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import VariableInfo

PAGE = Path(__file__).parents[1] / "docs/results/presets.md"
SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "cifar10a": (32, 32, 3),
}
HEADER = (
    "preset", "weights", "prunable", "in convolutions", "paper: weights / in convolutions",
    "rounds", "pruned a round", "steps", "batch", "optimizer", "rewound to", "measured",
)  # fmt: skip
TEXT = """# Presets

Made by `python -m benchmarks.presets_table` from `configs/` and the networks as built. Weights are
those that are trained, biases and batch norm's among them. Raised numbers lead to the source of a
setting, as the config file gives it.

{table}

{sources}

F&C 2019: Frankle & Carbin, arXiv 1803.03635. Zhou et al. 2019: arXiv 1905.01067. Morcos 2019:
Morcos et al., arXiv 1906.02773. Bragagnolo et al. 2022: arXiv
2207.09455. Natale et al. 2024: *On the Sparsity of the Strong Lottery Ticket
Hypothesis* (NeurIPS). Ramanujan et al. 2020: arXiv 1911.13299. Chen et al. 2020: arXiv 2007.12223.
Yu 2019: Yu et al., arXiv 1906.02768.

{notes}
"""


class Sources:
    """Numbers the sources in the order in which they are first cited."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._of: dict[str, str] = {}

    def read(self, name: str) -> None:
        """Takes the sources of a preset's fields for `cite`."""
        self._of = sources(name)

    def cite(self, text: str, *fields: str) -> str:
        """Returns the text with the numbers of the fields' sources."""
        found = [self._of[field] for field in fields if field in self._of]
        numbers = sorted({self.numbers.setdefault(f, len(self.numbers) + 1) for f in found})
        return f"{text} <sup>{','.join(map(str, numbers))}</sup>" if numbers else text

    def page(self) -> str:
        return "\n".join(f"{number}. {text}" for text, number in self.numbers.items())


def vision_task(config: Config) -> VisionTask:
    """Returns the task over empty images of its data set's shape."""
    images = np.zeros((config.train.batch_size, *SHAPES[config.data.name]), np.uint8)
    split = Split(images, np.zeros(len(images), np.int32))
    return VisionTask(config, Images(split, split, split, classes=10))


def agent(config: Config) -> keras.Model:
    """Returns the network of a preset of reinforcement learning, on any backend."""
    from keras_lottery.tasks.rl import networks
    from keras_lottery.tasks.rl.environments.make import maker

    return networks.build(maker(config.data).spec, config.model)


def translator(config: Config) -> keras.Model:
    """Returns the network of a translation preset, without its sentences."""
    from keras_lottery.tasks.language.translation.model import build

    return build(config.model, config.data.vocabulary)


def language_model(config: Config) -> keras.Model:
    """Returns the network of a language modelling preset."""
    from keras_lottery.tasks.language.modelling.model import language_model

    return language_model(config.model, WORDS[config.name])


BUILD: dict[str, Callable[[Config], keras.Model]] = {
    "vision": lambda config: vision_task(config).build(),
    "rl": agent,
    "translation": translator,
    "language_modelling": language_model,
}


def variables_of(config: Config) -> Sequence[VariableInfo]:
    """Returns the variables of a preset's network, whose values are not made where they need not.

    KerasHub's BERT models compile themselves, and an optimizer makes its variables at once.
    """
    if config.task == "bert":
        return bert_variables(config)
    with keras.StatelessScope(initialize_variables=False):
        return masking.describe(BUILD[config.task](config), config.prune)


def printed(name: str) -> dict[str, str]:
    """Returns what the paper prints about a preset's network, and a note; empty where ours."""
    of_variants: dict[str, dict[str, str]] = getattr(presets.module(name), "PAPER", {})
    return of_variants.get(presets.split(name)[1], {})


def row(name: str, cited: Sources) -> list[str]:
    """Returns the cells of one preset."""
    config = freeze(presets.load(name))
    cited.read(name)
    variables = variables_of(config)
    prunable = [v for v in variables if v.prunable]
    paper = printed(name)
    cite, prune, train = cited.cite, config.prune, config.train
    levels = ", ".join(f"to {level:.0%}" for level in prune.levels)
    rates = [
        f"{levels or format(prune.rate, '.0%')} {prune.scope}",
        *(f"{k} {r:.0%}" for k, r in prune.rates.items()),
    ]
    rate_fields = (
        "prune.rate",
        "prune.levels",
        "prune.scope",
        *(f"prune.rates.{k}" for k in prune.rates),
    )
    if not prune.output:
        rates.append("output never")
        rate_fields += ("prune.output",)
    if prune.include:
        rates.append(f"in {', '.join(f'`{pattern}`' for pattern in prune.include)} alone")
        rate_fields += ("prune.include",)
    if not prune.embeddings:
        rates.append("embeddings never")
        rate_fields += ("prune.embeddings",)
    return [
        f"`{name}`",
        f"{sum(v.size for v in variables):,}",
        f"{sum(v.size for v in prunable):,}",
        f"{sum(v.size for v in variables if v.group == 'conv' and v.kind == 'kernel'):,}",
        f"{paper['weights']} / {paper['convolutions']}" if paper else "ours",
        cite(str(prune.rounds), "prune.rounds"),
        cite(", ".join(rates), *rate_fields),
        cite(train.length.replace("it", ""), "train.length"),
        cite(str(train.batch_size), "train.batch_size"),
        optimizers(config, cited),
        cite(_point(config.rewind.to), "rewind.to"),
        cite("at the least validation loss" if train.value == "best" else "end", "train.value"),
    ]


def _point(duration: str) -> str:
    return duration if duration.endswith("ep") else f"step {duration.removesuffix('it')}"


def optimizers(config: Config, cited: Sources) -> str:
    """Returns the optimizer of the weights, and of the masks where the preset learns some."""
    parts = [optimizer(config.optimizer, "optimizer", cited)]
    for name in ("supermask", "edge_popup"):
        if any(arm.startswith(name) for arm in config.arms):
            section = getattr(config, name)
            size = f"{section.length} of batch {section.batch_size}"
            parts.append(
                f"masks: {optimizer(section.optimizer, f'{name}.optimizer', cited)}, "
                + cited.cite(size, f"{name}.length", f"{name}.batch_size")
            )
    return "; ".join(parts)


def optimizer(given: OptimizerConfig, section: str, cited: Sources) -> str:
    """Returns an optimizer in words, each setting with its source."""

    def cite(text: str, *fields: str) -> str:
        return cited.cite(text, *(f"{section}.{field}" for field in fields))

    parts = [cite(f"{given.name} {given.learning_rate:g}", "learning_rate")]
    if given.momentum is not None:
        parts.append(cite(f"momentum {given.momentum:g}", "momentum"))
    if given.epsilon is not None:
        parts.append(cite(f"epsilon {given.epsilon:g}", "epsilon"))
    if given.boundaries:
        text = f"× {given.factor:g} at {', '.join(given.boundaries)}"
        parts.append(cite(text, "boundaries", "factor"))
    if given.schedule in ("cosine", "linear", "inverse_sqrt"):
        parts.append(cite(given.schedule.replace("_", " "), "schedule"))
    if given.warmup != "0it":
        parts.append(cite(f"warm-up {given.warmup}", "warmup"))
    if given.weight_decay:
        parts.append(cite(f"decay {given.weight_decay:g}", "weight_decay"))
    return ", ".join(parts)


def page() -> str:
    """Returns the whole page."""
    cited = Sources()
    names = presets.names()
    lines = [HEADER, ["---"] * len(HEADER), *(row(name, cited) for name in names)]
    papers = {name: printed(name) for name in names}
    return TEXT.format(
        table="\n".join(f"| {' | '.join(cells)} |" for cells in lines),
        sources=cited.page(),
        notes="\n".join(f"- `{n}`: {p['note']}." for n, p in papers.items() if "note" in p),
    )


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
