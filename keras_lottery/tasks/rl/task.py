"""Reinforcement learning as the engine sees it."""

import time
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery import masking
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.base import MaskedTask
from keras_lottery.tasks.rl import needs
from keras_lottery.tasks.rl.config import RLConfig

needs.check()

from keras_lottery.protocols import Progress  # noqa: E402  after the check
from keras_lottery.tasks.rl import budget, networks  # noqa: E402
from keras_lottery.tasks.rl.agents import Agent  # noqa: E402
from keras_lottery.tasks.rl.dqn import Dqn  # noqa: E402
from keras_lottery.tasks.rl.environments.games import Games  # noqa: E402
from keras_lottery.tasks.rl.environments.make import maker  # noqa: E402
from keras_lottery.tasks.rl.play import Learned, Plan, Play, played_greedily  # noqa: E402
from keras_lottery.tasks.rl.ppo import Ppo  # noqa: E402
from keras_lottery.training.compilation import choose_compilation  # noqa: E402
from keras_lottery.training.optimizers import build_optimizer  # noqa: E402
from keras_lottery.types import (  # noqa: E402
    MaskSet,
    Start,
    Training,
    TrainingResult,
    Weights,
)


class RLTask(MaskedTask):
    """An agent that learns a game; environment, networks and agent are created once.

    Args:
        config: of an experiment whose task is `rl`.

    Raises:
        LotteryError: there is no such environment, the lengths don't fit it, or the dtype policy
            needs a scaled loss.
    """

    config: RLConfig
    name = "rl"
    metric = "return"
    higher_is_better = True

    def __init__(self, config: RLConfig) -> None:
        super().__init__(config)
        self._maker = maker(config.data)
        self._spec = self._maker.spec
        self._agents: dict[str, Agent] = {}
        self._compile_seconds = 0.0
        self._check_lengths()
        if config.train.dtype_policy == "mixed_float16":
            raise LotteryError(
                "Expected a dtype policy whose loss is not scaled, since TF-Agents trains the "
                "networks. Received: train.dtype_policy='mixed_float16'. Use mixed_bfloat16."
            )

    def _batch_size(self) -> int:
        is_ppo = self.config.model.algorithm == "ppo"
        return self.config.data.envs if is_ppo else super()._batch_size()

    def build(self) -> keras.Model:
        """Returns a new, plain model from observations to action values."""
        return networks.build(self._spec, self.config.model)

    def steps(self, duration: str) -> int:
        """Returns a length in training steps; for games, an upper bound."""
        return budget.steps(
            duration, self.config.data, self._frames_per_step, self._spec.time_limit
        )

    def fit(self, training: Training, start: Start, progress: Progress) -> TrainingResult:
        if start.step >= self.steps(self.config.train.length):
            raise LotteryError(
                f"Expected a start before the end of the training at "
                f"{self.config.train.length}. Received: step {start.step}. Rewind to an earlier "
                "point or train for longer."
            )
        agent = self._agent(start.parametrization)
        compile_seconds, self._compile_seconds = self._compile_seconds, 0.0
        agent.restore(start)
        is_dense = not start.masks and start.parametrization == "zero"
        plan = self._plan(training, start, is_dense)
        early = agent.capture(0, 0) if is_dense and self._rewind_point.count == 0 else None
        learned = Play(agent, self._games, self.config.data, plan).run(progress)
        learned.rewind = learned.rewind or early
        return self._result(start, learned, compile_seconds)

    def evaluate(self, start: Start, split: str = "test", examples: int = 0) -> dict[str, float]:
        """Returns the mean return of greedy episodes, on the same seeds for every network."""
        self._agent(start.parametrization).restore(start)
        return {self.metric: float(np.mean(self._greedy_returns(start.parametrization)))}

    def evaluate_averaged(self, start: Start) -> dict[str, float]:
        raise LotteryError(
            "Expected a task with a data set to average networks over. Received: 'rl', whose data "
            "depend on the network. Use a vision task."
        )

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        raise LotteryError(
            "Expected a criterion that scores weights alone. Received: one that needs the "
            f"{name} of a loss over a data set, which 'rl' doesn't have. Use magnitude."
        )

    @property
    def _model(self) -> keras.Model:
        return self._agent("zero").model

    @property
    def _frames_per_step(self) -> int:
        model, data = self.config.model, self.config.data
        if model.algorithm == "ppo":
            return int(model.ppo.rollout * data.envs)
        return int(model.dqn.frames_per_update)

    @cached_property
    def _games(self) -> Games:
        """The environments of every training."""
        make, data = self._maker.make, self.config.data
        return Games(lambda: make(True), self._spec, data.envs, data.name)

    @cached_property
    def _eval_games(self) -> Games:
        make, data = self._maker.make, self.config.data
        return Games(lambda: make(False), self._spec, data.eval_games, data.name)

    def _inputs(self) -> NDArray[Any]:
        return np.zeros((1, *self._spec.shape), self._spec.dtype)

    @cached_property
    def _rewind_point(self) -> budget.Point:
        return self._point(self.config.rewind.to)

    def _point(self, duration: str) -> budget.Point:
        return budget.point(duration, self.config.data, self._frames_per_step)

    def _check_lengths(self) -> None:
        config, end, rewind = self.config, self._point(self.config.train.length), self._rewind_point
        if rewind.count and end.in_games != rewind.in_games:
            raise LotteryError(
                "Expected train.length and rewind.to in one unit, games or training steps. "
                f"Received: {config.train.length} and {config.rewind.to}. Give both in `ep`, or "
                "both in `it`."
            )
        ppo = config.model.algorithm == "ppo"
        if (end.in_games or ppo) and config.optimizer.schedule != "constant":
            raise LotteryError(
                "Expected a constant learning rate, under PPO and where games are counted: a "
                "schedule counts the optimizer's steps, which are not those of the length there. "
                f"Received: {config.optimizer.schedule!r}. Use DQN and data.epoch_unit='frames'."
            )

    def _plan(self, training: Training, start: Start, is_dense: bool) -> Plan:
        rewind = self._rewind_point
        passes = rewind.count > 0 and start.step == 0
        every = self.config.train.eval_every or max(self.steps("1ep"), 1)
        return Plan(
            step=start.step,
            games=rewind.count if start.step and rewind.in_games else 0,
            end=self._point(self.config.train.length),
            rewind=rewind if passes else None,
            capture=is_dense,
            every=every,
            seed=training.seed if start.data_seed is None else start.data_seed,
            phase=int(start.data_order_step > 0),
        )

    def _agent(self, parametrization: str) -> Agent:
        """The compiled agent of a parametrization."""
        if parametrization not in ("zero", "frozen"):
            raise LotteryError(
                "Expected an arm whose pruned weights are fixed, which are what 'rl' trains. "
                f"Received: the parametrization {parametrization!r}. Leave the arm out."
            )
        if parametrization not in self._agents:
            began = time.perf_counter()
            agent = self._agents[parametrization] = self._make_agent(parametrization)
            agent.compile()
            self._compile_seconds += time.perf_counter() - began
        return self._agents[parametrization]

    def _make_agent(self, parametrization: str) -> Agent:
        config = self.config
        model = self._mask(parametrization)
        with self._distribution.scope():
            optimizer = build_optimizer(
                config.optimizer, max(self.steps("1ep"), 1), self.steps(config.train.length)
            )
            model.compile(optimizer=optimizer)
            optimizer.build(model.trainable_variables)
        games, xla = (
            config.data.envs,
            choose_compilation(model, self._distribution, config.train.jit).xla,
        )
        if config.model.algorithm == "ppo":
            ppo = config.model.ppo
            return Ppo(model, self._spec, ppo, games, xla, self._distribution)
        return Dqn(
            model,
            self._mask(parametrization),
            self._spec,
            config.model.dqn,
            games,
            config.train.batch_size,
            xla,
            self._distribution,
        )

    def _greedy_returns(self, parametrization: str) -> list[float]:
        data = self.config.data
        seeds = np.random.SeedSequence(data.eval_seed).generate_state(data.eval_games)
        return played_greedily(
            self._agent(parametrization), self._eval_games, seeds.astype(np.int64)
        )

    def _result(self, start: Start, learned: Learned, compile_seconds: float) -> TrainingResult:
        window = self.config.data.window
        final = learned.mean_return(window)
        rows = [row for row in learned.history if row["games"] >= window]
        best = max(rows, key=lambda row: row["return"], default=learned.history[-1])
        metrics = {
            "frames": float(learned.frames),
            "games": learned.history[-1]["games"],
        }
        if self.config.data.eval_games:
            returns = self._greedy_returns(start.parametrization)
            metrics |= {"greedy_return": float(np.mean(returns))}
            metrics |= {"greedy_return_sd": float(np.std(returns))}
        agent = self._agent(start.parametrization)
        return TrainingResult(
            weights=masking.effective_weights(agent.model),
            rewind=learned.rewind,
            steps=learned.step - start.step,
            seconds=learned.seconds,
            compile_seconds=compile_seconds,
            final={self.metric: final},
            best={self.metric: float(best["return"])},
            best_step=int(best["step"]),
            metric=self.metric,
            metrics=metrics,
            history=learned.history,
        )
