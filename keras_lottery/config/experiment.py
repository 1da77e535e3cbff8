"""The settings of one experiment: frozen dataclasses, three of which its task and study define."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Generic, cast

from typing_extensions import TypeVar  # with defaults, which Python has from 3.13 on

from keras_lottery.config.build import Section
from keras_lottery.config.claims import Claim
from keras_lottery.config.duration import Duration
from keras_lottery.config.fields import (
    Distinct,
    Filled,
    NotNegative,
    OneOf,
    Positive,
    ReadWhen,
    Seed,
    Slug,
)
from keras_lottery.config.learned import EdgePopupConfig, SupermaskConfig
from keras_lottery.config.sections import (
    ArmName,
    OptimizerConfig,
    PruneConfig,
    ReportConfig,
    RewindConfig,
    TrainConfig,
    TransferConfig,
)
from keras_lottery.registry import Registry

BACKENDS = ("auto", "tensorflow", "jax", "torch")
DISTRIBUTIONS = ("none", "mirrored", "tpu", "data_parallel")


class ReadWhenDrawn(ReadWhen):
    """The field has an effect only with a stochastic arm."""

    def __init__(self) -> None:
        super().__init__("arms")

    def holds(self, section: object) -> bool:
        known, config = import_module("keras_lottery.arms").arms, cast(Config, section)
        return any(known[name].stochastic for name in (*config.arms, *config.transfer.arms))

    def reason(self, section: object) -> str:
        return "unless an arm is stochastic, such as 'reinit'"


@dataclass(frozen=True)
class NoSettings:
    """A section without fields, such as the `options` of a study without options."""


Data_co = TypeVar("Data_co", bound=Section, default=Section, covariant=True)
Model_co = TypeVar("Model_co", bound=Section, default=Section, covariant=True)
Options_co = TypeVar("Options_co", bound=Section, default=Section, covariant=True)


@dataclass(frozen=True)
class Config(Generic[Data_co, Model_co, Options_co]):
    """One experiment.

    A task is typed with its own sections, `Config[VisionData, VisionModel]`, and so is a study.

    Args:
        name: short name; the run folder is `<name>-<hash>`.
        task: name of a registered task; it defines the fields of `data` and `model`.
        study: name of a registered study, e.g. `tickets`; it defines the fields of `options`.
        supermask: settings of the arms `supermask...`.
        edge_popup: settings of the arms `edge_popup...`.
        seeds: one independent repetition each.
        arms: networks trained in every round besides `dense`.
        draws: draws per ticket of stochastic arms.
        keep_trained: arms whose trained weights stay on disk.
        claims: the papers' claims that this experiment tests, declared before it is run.
        backend: Keras backend; `auto`: `KERAS_BACKEND`, or one that is installed.
        distribution: several devices per training: `mirrored` or `tpu` (TensorFlow),
            `data_parallel` (JAX).
        tpu: name or address of the TPU.
        executor: `sequential`, `processes`, `ray`, or `auto`, which chooses one of the first two;
            `vectorized` trains many networks as one program on JAX.
        workers: parallel trainings; None: as many as cores and memory allow.
        threads: threads of each training, fixed when a run starts; None: one for parallel
            trainings, else all cores.
        ray: `HOST:PORT` of a Ray cluster; `auto`: RAY_ADDRESS, else this machine's cluster, else a
            new one.
        resources: what each training on Ray takes besides its threads, by Ray's names, such as
            `{"GPU": 0.5}`; empty: one GPU or TPU chip, if the cluster has any.
        out: parent folder of the run folder.
    """

    name: Annotated[str, Slug()]
    task: str
    data: Data_co
    model: Model_co
    study: str = "tickets"
    options: Options_co = field(default_factory=NoSettings)  # type: ignore[assignment]
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    prune: PruneConfig = field(default_factory=PruneConfig)
    rewind: RewindConfig = field(default_factory=RewindConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    supermask: Annotated[SupermaskConfig, ReadWhen("arms", "supermask*")] = field(
        default_factory=SupermaskConfig
    )
    edge_popup: Annotated[EdgePopupConfig, ReadWhen("arms", "edge_popup*")] = field(
        default_factory=EdgePopupConfig
    )
    report: ReportConfig = field(default_factory=ReportConfig)
    seeds: Annotated[tuple[Seed, ...], Distinct(least=1)] = (0,)
    arms: Annotated[tuple[ArmName, ...], Distinct()] = ("winning",)
    draws: Annotated[Positive, ReadWhenDrawn()] = 1
    keep_trained: Annotated[tuple[ArmName, ...], Distinct()] = ("dense", "winning")
    claims: tuple[Claim, ...] = ()
    backend: Annotated[str, OneOf(BACKENDS)] = "auto"
    distribution: Annotated[str, OneOf(DISTRIBUTIONS)] = "none"
    tpu: Annotated[str, ReadWhen("distribution", "tpu")] = ""
    executor: Annotated[str, Filled()] = "auto"
    workers: Annotated[
        Positive | None, ReadWhen("executor", "auto", "processes", "ray", "vectorized")
    ] = None
    threads: Positive | None = None
    ray: Annotated[str, Filled(), ReadWhen("executor", "ray")] = "auto"
    resources: Annotated[dict[str, NotNegative], ReadWhen("executor", "ray")] = field(
        default_factory=dict
    )
    out: Annotated[str, Filled()] = "runs"

    def problems(self) -> Iterable[str]:
        end, point = Duration.parse(self.train.length), Duration.parse(self.rewind.to)
        if end.unit == point.unit and point.count >= end.count:
            yield (
                f"rewind.to: expected a point before the end of the training at {end}. "
                f"Received: {point}"
            )


MODEL_KINDS = ("dense", "convolutional", "recurrent", "Transformer")


@dataclass(frozen=True)
class TaskSchema:
    """The task-specific sections of a config, and the function that makes the task.

    Args:
        data: dataclass of the `data` section.
        model: dataclass of the `model` section.
        make: `"module:function"` that takes the Config and returns the Task.
        backend: the only Keras backend that it runs on; empty: any.
        environment: environment variables to set before that backend is imported.
        ignores: returns fields of other sections that the task does not read, with reasons.
        kind: returns the kind of the network that `model.name` names, one of `MODEL_KINDS`, which
            decides the fastest backend; empty if unknown.
    """

    data: type[Section]
    model: type[Section]
    make: str
    backend: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    ignores: Callable[[Config], dict[str, str]] = lambda config: {}
    kind: Callable[[str], str] = lambda name: ""


task_schemas: Registry[TaskSchema] = Registry("task")


@dataclass(frozen=True)
class StudySchema:
    """A study: the search for tickets, or an experiment with its own training loop.

    Args:
        options: dataclass of the config's `options` section.
        run: `"module:function"` that takes the Config and returns the run folder.
        ignores: fields and sections that it does not read; they must stay at their defaults.
        exports: whether the run folder has trained networks of winning tickets to export.
        page: `"module:attribute"` of its `report.study_page.StudyPage`.
        executes: whether it trains networks with the config's executor.
    """

    options: type[Section]
    run: str
    ignores: tuple[str, ...] = ()
    exports: bool = True
    page: str = ""
    executes: bool = True

    @property
    def has_arms(self) -> bool:
        """Whether it trains the config's arms through the engine, in parallel where that helps."""
        return "arms" not in self.ignores


study_schemas: Registry[StudySchema] = Registry("study")
