"""`TicketSearch`: the engine's experiment for a model and data in memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from keras_lottery import checks, pruning
from keras_lottery.arms import LEARNED
from keras_lottery.arms import arms as known_arms
from keras_lottery.backend.global_state import preserved
from keras_lottery.config import Config, NoSettings, PruneConfig, RewindConfig, TrainConfig
from keras_lottery.config.build import build
from keras_lottery.engine.check_config import check_arms, check_network
from keras_lottery.engine.driver import drive
from keras_lottery.engine.executors.sequential import Sequential
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.progress import NoProgress, ProgressBar
from keras_lottery.engine.pruner import check_rounds, criteria_of
from keras_lottery.errors import LotteryError
from keras_lottery.masking import Patterns, options_from
from keras_lottery.search.fit_task import FitTask
from keras_lottery.search.history import TicketHistory
from keras_lottery.search.memory import Memory
from keras_lottery.search.metric import measured_on
from keras_lottery.training.checks import check_fit


class TicketSearch:
    """Searches for winning tickets; `fit` takes the arguments of Keras' `fit`.

    Args:
        rounds: number of pruning rounds.
        rate: fraction of the surviving weights that a round prunes, in (0, 1).
        rewind_to: `0it` (the model's weights), `500it` or `1ep`; None keeps the
            trained weights and fine-tunes them, as for a pre-trained model.
        arms: `winning` and any controls (see `keras-lottery list arms`).
        criterion: name of a registered criterion. Derivatives of the loss are averaged over up to
            2,000 training examples.
        scope: name of a registered allocation.
        include: path patterns of variables to prune; empty: kernels and embeddings. See `kl.mask`.
        exclude: path patterns of variables not to prune.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        pattern: which weights are pruned together, such as `channels`; `rate` is then the fraction
            of such groups. See `kl.prune`.
        seeds: one search each: seeds of the data order, of dropout and of stochastic controls.
        reinitialize: start each seed but the first from newly initialized weights, as the papers
            do; otherwise every seed starts from the model's weights, pre-trained ones for example.
        higher_is_better: whether larger values of the model's metric are better; None: Keras'
            direction of the metric.
        verbose: show a progress bar.

    Example:
        >>> search = TicketSearch(rounds=10, rate=0.2, rewind_to="1ep")
        >>> history = search.fit(model, x, y, epochs=5, validation_data=(xv, yv))
        >>> ticket, figure = history.best(within=0.005), history.plot()

    Reference:
        Frankle & Carbin 2019 (1803.03635); Frankle et al. 2019 (1903.01611) for late rewinding.
    """

    def __init__(
        self,
        rounds: int = 10,
        rate: float = 0.2,
        rewind_to: str | None = "0it",
        *,
        arms: Sequence[str] = ("winning",),
        criterion: str = "magnitude",
        scope: str = "global",
        include: Patterns = (),
        exclude: Patterns = (),
        biases: bool = False,
        norms: bool = False,
        embeddings: bool = True,
        output: bool = True,
        pattern: str = "weights",
        seeds: Sequence[int] = (0,),
        reinitialize: bool = False,
        higher_is_better: bool | None = None,
        verbose: bool = True,
    ) -> None:
        selection = options_from(include, exclude, biases, norms, embeddings, output)
        problems: list[str] = []
        settings = {
            "rounds": rounds,
            "rate": rate,
            "criterion": criterion,
            "scope": scope,
            "include": selection.include,
            "exclude": selection.exclude,
            "biases": biases,
            "norms": norms,
            "embeddings": embeddings,
            "output": output,
            "pattern": pattern,
        }
        prune = build(PruneConfig, settings, "", problems)
        mode = "fine_tune" if rewind_to is None else "weights"
        to = "0it" if rewind_to is None else checks.text(rewind_to, "rewind_to")
        rewind = build(RewindConfig, {"to": to, "mode": mode}, "", problems)
        if prune is None or rewind is None or problems:
            raise LotteryError("; ".join(problems) + ".")
        pruning.check_choices(pattern, criterion, scope)
        for name in checks.names(arms, "arms"):
            _ = known_arms[name]
            if name in LEARNED:
                raise LotteryError(
                    "Expected arms that train the model's weights. "
                    f"Received: {name!r}, which trains a mask. Mask the model with "
                    "kl.mask(model, parametrization=...) and fit it."
                )
        self._config = Config(
            name="search",
            task="search",
            data=NoSettings(),
            model=NoSettings(),
            prune=prune,
            rewind=rewind,
            arms=tuple(arms),
            seeds=checks.seeds(seeds),
        )
        check_arms(self._config)
        self.reinitialize = checks.truth(reinitialize, "reinitialize")
        self.higher_is_better = higher_is_better
        self.verbose = checks.truth(verbose, "verbose")

    @preserved()
    def fit(
        self, model: keras.Model, x: Any = None, y: Any = None, **settings: Any
    ) -> TicketHistory:
        """Trains the network, then prunes, rewinds and trains it round after round.

        Args:
            model: built, compiled and not pruned; left as it is.
            x: as in `keras.Model.fit`; data that can be read only once (generators) are rejected,
                since every network must be trained on the same data.
            y: as in `keras.Model.fit`.
            settings: its other arguments except `initial_epoch`: tickets start at the rewind
                point. The last epoch is always validated.

        Returns:
            The tickets and their values.

        Raises:
            LotteryError: the model is not compiled, is already pruned or cannot be cloned, a
                setting is not supported by a search, the rewind point is not within the training,
                or the last rounds cannot prune as much.
        """
        epochs = checks.whole_number(settings.pop("epochs", 1), "epochs", least=1)
        check_fit(model, x, settings)
        train = TrainConfig(length=f"{epochs}ep", batch_size=settings.get("batch_size") or 32)
        config = replace(self._config, train=train)
        task = FitTask(model, x, y, config, settings, self.reinitialize)
        check_rounds(config, task.variables())
        check_network(config, task.variables())
        if any(pruning.criteria[name].derived for name in criteria_of(config)):
            task.examples(config.seeds[0])  # data that can't be used are an error now
        run = Memory(config, task)
        plan = trainings(config)
        with ProgressBar(len(plan), 0) if self.verbose else NoProgress() as bar:
            drive(config, run, run, Sequential(run.config, run.task, bar), bar)
        higher = task.higher_is_better if self.higher_is_better is None else self.higher_is_better
        measured = measured_on(task.metric)
        return TicketHistory(run.results, run.starts, task.metric, higher, measured, task.network())
