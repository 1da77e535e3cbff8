"""Regenerates a page of docs/results/.

    python -m benchmarks.results NAME [--run=FOLDER] [--data-dir=FOLDER] [--out=FOLDER]

`validation` measures, and `presets` builds, what its page shows. `claims` judges every declared
claim by the kept tables. `all` writes the pages and figures of all experiments again from their
kept tables, without training. Every other page is for one experiment, which is run, or resumed,
in --out; --run uses a finished run instead, which may be the page's own folder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs/results"

# All arms of Zhou et al. 2019 except those that multiply kept values by weights ÷ kept.
DECONSTRUCTED = (
    "winning", "magnitude_increase", "movement", "large_init_large_final", "large_final_same_sign",
    "large_final_diff_sign", "large_init", "small_final", "small_init", "small_init_small_final",
    "random", "random_reinit", "random_reshuffle", "random_constant", "signed_reinit",
    "signed_reshuffle", "signed_constant", "freeze_init", "freeze_init_zero_mask",
    "freeze_init_zero_all", "freeze_init_zero_reshuffle", "freeze_init_zero_rev",
)  # fmt: skip

# A fifth of the paper's steps, and three of its rounds in one.
DECONSTRUCTING = (
    "zhou2019/deconstructing:lenet",
    "--config.train.length=10000it",
    "--config.train.eval_every=500",
    "--config.prune.rounds=5",
    "--config.prune.rate=0.488",
    "--config.prune.rates.output=0.271",
)

# Half of the preset's steps, and its lengths in proportion.
MULTI30K = (
    "yu2019/transformer:multi30k_small",
    "--config.train.length=1000it",
    "--config.optimizer.warmup=200it",
    "--config.rewind.to=50it",
    "--config.train.average_every=50it",
    "--seeds=0",
    "--backend=tensorflow",
)

ACROBOT = ("yu2019/control:acrobot_small", "--seeds=0,1,2,3,4,5,6,7")

# As before rewards were divided by 100 and epsilon with them.
UNSCALED = ("--config.data.reward_scale=1.0", "--config.optimizer.epsilon=1e-3")


def at_rounds(arms: str, rounds: str, always: str = "winning") -> tuple[str, ...]:
    """Returns the flags for `arms`, trained at `rounds` only, next to those trained `always`."""
    only = (f"--config.prune.arm_rounds.{arm}={rounds}" for arm in arms.split(","))
    return (f"--config.arms={always},{arms}", *only)


# At the published epsilon, 1e-3, nearly all neurons are frozen before the learning rate drops.
EQUILIBRIUM = ("bragagnolo2022/equilibrium:small_cnn_digits", "--backend=tensorflow")

EXPERIMENTS: dict[str, tuple[str, ...]] = {
    "quickstart": ("quickstart",),
    "lenet_mnist": (
        "frankle2019/lenet_mnist",
        "--config.name=lenet_mnist_10k",
        "--config.train.length=10000it",
        "--config.prune.rounds=20",
        "--config.draws=1",
        "--config.arms=winning,reinit,permuted_layer,permuted_global,one_shot",
        "--seeds=0,1,2,3,4",
    ),
    "equilibrium_digits": EQUILIBRIUM,
    **{
        f"equilibrium_digits_{epsilon}": (
            *EQUILIBRIUM,
            f"--config.name=equilibrium_digits_{epsilon}",
            f"--config.options.epsilon={epsilon}",
        )
        for epsilon in ("1e-5", "1e-4", "1e-2")
    },
    "equilibrium_cifar10": (
        "bragagnolo2022/equilibrium:resnet32_cifar10",
        "--config.name=equilibrium_cifar10_5000",
        "--config.model.name=small_cnn",
        "--config.data.train_size=5000",
        "--config.train.length=60ep",
        "--config.optimizer.boundaries=24ep,36ep",
        "--seeds=0,1,2",
        "--backend=tensorflow",
    ),
    "strong_tickets": ("natale2024/strong_tickets_digits", "--backend=jax"),
    "conv2_cifar10": (
        "frankle2019/conv:2",
        "--config.train.length=2500it",
        "--config.train.eval_every=250",
        # Three and a half of the paper's rounds in one: 8.8 and 4.6 % remain after 11 and 14 there.
        "--config.prune.rounds=4",
        "--config.prune.rate=0.542",
        "--config.prune.rates.conv=0.308",
        "--config.prune.rates.output=0.308",
        "--config.draws=1",
        *at_rounds("reinit", "3,4"),
        "--seeds=0,1,2",
        "--backend=tensorflow",
    ),
    "deconstructing_lenet_mnist": (
        *DECONSTRUCTING,
        f"--config.arms={','.join(DECONSTRUCTED)}",
        "--seeds=0,1,2",
    ),
    "frozen_lenet_mnist": (
        *DECONSTRUCTING,
        "--config.name=frozen_lenet_mnist",
        "--config.arms=winning,freeze_init,freeze_init_zero_mask",
        "--config.report.sparse=0.6",
        "--seeds=0,1,2,3,4,5,6,7",
    ),
    "transfer_mnist_halves": ("morcos2019/lenet_transfer",),
    "transfer_mnist_digits": (
        "morcos2019/lenet_transfer",
        "--config.options.sources=mnist,mnist_5000,mnist_20000",
        "--config.options.targets=digits",
        "--config.arms=winning,permuted_global",
    ),
    "transfer_optimizers": (
        "morcos2019/lenet_transfer",
        "--config.options.sources=mnist,sgd",
        "--config.options.targets=mnist,sgd",
        "--config.arms=winning,permuted_global",
    ),
    "transfer_cifar10_halves": ("morcos2019/small_cnn_transfer", "--backend=tensorflow"),
    "supermasks_mnist": (
        "zhou2019/supermasks:lenet",
        "--config.train.length=10000it",
        "--seeds=0,1,2",
    ),
    "supermasks_conv2_cifar10": (
        "zhou2019/supermasks:conv2",
        "--config.train.length=10000it",
        "--config.train.eval_every=500",
        "--config.options.validation_examples=500",
        "--seeds=0",
        "--backend=tensorflow",
    ),
    "supermasks_conv6_cifar10": (
        "zhou2019/supermasks:conv6",
        "--config.train.length=10000it",
        "--config.train.eval_every=500",
        "--config.options.validation_examples=500",
        "--seeds=0",
        "--backend=tensorflow",
    ),
    "supermask_mnist": (
        "zhou2019/supermasks:learned",
        "--config.train.length=5000it",
        "--config.train.eval_every=500",
        "--config.supermask.length=200ep",
        "--config.supermask.eval_every=2200",
        "--seeds=0,1,2",
    ),
    "edge_popup_mnist": (
        "ramanujan2020/edge_popup:lenet",
        "--config.train.length=5000it",
        "--config.train.eval_every=500",
        "--config.edge_popup.length=30ep",
        "--config.prune.levels=0.3,0.5,0.7,0.9",
        "--seeds=0,1,2",
    ),
    "edge_popup_conv2_cifar10": (
        "ramanujan2020/edge_popup:conv2",
        "--config.name=edge_popup_conv2_check",
        "--config.train.length=100it",
        "--config.edge_popup.length=300it",
        "--config.edge_popup.eval_every=100",
        "--config.prune.rounds=1",
        "--config.prune.rate=0.5",
        "--config.arms=edge_popup_signed",
        "--seeds=0",
        "--backend=tensorflow",
    ),
    "prune_at_init_mnist": (
        "frankle2021/prune_at_init_lenet_mnist",
        "--config.name=prune_at_init_mnist",
        "--config.train.length=2000it",
        "--config.prune.rounds=4",
        "--seeds=0,1,2,3,4",
    ),
    "prune_at_init_digits_cnn": (
        "frankle2021/prune_at_init_lenet_mnist",
        "--config.name=prune_at_init_digits_cnn",
        "--config.data.name=digits",
        "--config.data.validation_size=200",
        "--config.model.name=small_cnn",
        "--config.train.length=1000it",
        "--config.prune.rounds=4",
        "--seeds=0,1,2,3,4",
        "--backend=tensorflow",
    ),
    "inertial_manifold_digits": ("zhang2021/inertial_manifold:digits",),
    "instability_small_cnn_digits": (
        "frankle2020/instability:small_cnn_digits",
        "--backend=tensorflow",
    ),
    "late_rewinding_resnet8_cifar10": (
        "frankle2020/late_rewinding:resnet8_cifar10",
        "--threads=1",
        "--backend=tensorflow",
    ),
    "instability_resnet8_cifar10": (
        "frankle2020/instability:resnet8_cifar10",
        "--seeds=1,2",
        "--threads=1",
        "--backend=tensorflow",
    ),
    "channels": ("channels", "--backend=tensorflow"),
    "rewinding_digits": ("renda2020/rewinding:digits",),
    "multi30k": MULTI30K,
    "multi30k_layers": (
        *MULTI30K,
        "--config.name=multi30k_layers",
        "--config.prune.embeddings=False",
        "--seeds=0,1",
    ),
    "multi30k_layers_long": ("yu2019/transformer:multi30k_layers_long", "--backend=tensorflow"),
    "multi30k_embeddings": (
        *MULTI30K,
        "--config.name=multi30k_embeddings",
        "--config.prune.include=*embedding*",
        "--config.prune.levels=0.672",
        "--config.prune.rounds=1",
        "--config.arms=winning,permuted_global",
    ),
    # The name is the one under which bert_transfer looks for these trainings.
    "bert_sst2": (
        "chen2020/bert:minilm_glue",
        "--config.name=minilm_transfer-sst2",
        "--backend=jax",
    ),
    "bert_transfer": ("chen2020/bert:minilm_transfer", "--backend=jax"),
    # Likewise for bert_transfer_long.
    "bert_sst2_long": (
        "chen2020/bert:minilm_glue_long",
        "--config.name=minilm_transfer_long-sst2",
        *at_rounds("random_mask", "2,", "winning,init_magnitude"),
        "--seeds=0,1,2,3,4",
        "--backend=jax",
    ),
    "bert_transfer_long": (
        "chen2020/bert:minilm_transfer_long",
        *at_rounds("random_mask", "2,", "winning,init_magnitude"),
        "--seeds=0,1,2,3,4",
        "--backend=jax",
    ),
    "cartpole_dqn": ("yu2019/control:cartpole_small", "--seeds=0,1,2,3,4,5,6,7,8,9,10,11"),
    "ptb_lstm_small": ("yu2019/lstm:ptb_small", "--backend=jax"),
    # Half of the paper's epochs.
    "ptb_lstm_words": ("yu2019/lstm:ptb_words", "--config.train.length=5ep", "--backend=jax"),
    "ptb_lstm_recurrent": (
        "yu2019/lstm:ptb_recurrent",
        "--config.train.length=5ep",
        "--backend=jax",
    ),
    # The paper's last five epochs have a rate of 1/32 and less.
    "ptb_lstm_200": (
        "zaremba2014/ptb_lstm_200",
        "--config.train.length=8ep",
        "--config.optimizer.boundaries=4ep,5ep,6ep,7ep",
        "--config.arms=dense",
        "--seeds=0",
        "--backend=jax",
    ),
    "acrobot_dqn": (
        *ACROBOT,
        *at_rounds(
            "permuted_global,permuted_layer,reinit,one_shot", "4,5,6", "winning,winning_init"
        ),
    ),
    "acrobot_dqn_unscaled": (
        *ACROBOT,
        *UNSCALED,
        "--config.name=acrobot_dqn_unscaled",
        *at_rounds("permuted_layer,permuted_input,reinit,one_shot", "6,"),
    ),
    "acrobot_dqn_layer": (
        "yu2019/control:acrobot_small",
        "--seeds=0,1,2,3,4",
        *UNSCALED,
        "--config.name=acrobot_dqn_layer",
        "--config.prune.scope=layer",
        "--config.arms=winning",
    ),
    "minatar_breakout_dqn": ("yu2019/control:minatar_breakout",),
    # Two and a half times the preset's frames.
    "lunarlander_dqn": (
        "yu2019/control:lunarlander_small",
        "--config.data.epoch=25000",
        "--seeds=0,1,2,3,4",
    ),
    "atari_breakout_dqn": ("yu2019/atari:breakout_small",),
    "cartpole_ppo": ("yu2019/control:cartpole_ppo_small",),
}
"""Config and flags of each page's experiment, sized for two cores.

The page may be of fewer seeds and arms: its config.json says which. Some have no page yet.
"""

PAGES = ("validation", "presets", "claims", "all", *EXPERIMENTS)


def main(arguments: Sequence[str]) -> int:
    """Makes one page and the index; returns the exit code: 2 with one line for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.results",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=PAGES, help="which page")
    parser.add_argument("--run", type=Path, help="a finished run of the experiment")
    parser.add_argument("--data-dir", default="", help="folder of the data sets")
    parser.add_argument("--out", type=Path, help="folder of the runs (default: runs)")
    options = parser.parse_args(arguments)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_lottery.errors import LotteryError

    try:
        make(options)
    except LotteryError as error:
        print(f"results: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        return error.returncode  # it has printed the error
    return 0


def make(options: argparse.Namespace) -> None:
    """Writes the page that the options name, and the index.

    Raises:
        LotteryError: an option that this page would not use, among others.
    """
    check_unused(options)
    if options.name == "validation":
        make_validation(options.out)
    elif options.name == "presets":
        from benchmarks.presets_table import main as make_presets

        make_presets()
    elif options.name == "claims":
        declare_kept()
    elif options.name == "all":
        write_kept_pages(RESULTS)
    else:
        make_experiment(options.name, options.run, options.data_dir, options.out or Path("runs"))
    from keras_lottery import report

    print(f"index: {report.write_index(RESULTS).relative_to(ROOT)}")


def check_unused(options: argparse.Namespace) -> None:
    """Raises LotteryError if --run or --data-dir is given for what doesn't read it."""
    from keras_lottery.errors import LotteryError

    experiment = options.name in EXPERIMENTS
    if options.run and not experiment:
        raise LotteryError(
            f"Expected no --run, since {options.name} reads no run. Received: {options.run}. "
            "Leave it out."
        )
    if options.data_dir and (options.run or not experiment):
        reason = "a finished run" if options.run else options.name
        raise LotteryError(
            f"Expected no --data-dir, since {reason} reads no data set. Received: "
            f"{options.data_dir}. Leave it out."
        )


def make_validation(out: Path | None) -> None:
    """Measures everything on the validation page, and writes it."""
    from benchmarks.validation import page, tables
    from keras_lottery.errors import MissingExtraError

    if find_spec("torch") is None:
        raise MissingExtraError("torch", "torch")
    folder = RESULTS / "validation"
    tables.measure_cuts(folder)
    tables.measure_losses(folder)
    with tempfile.TemporaryDirectory() as temporary:
        tables.measure_seeds(folder, out or Path(temporary))
    print(f"page: {page.write(folder).relative_to(ROOT)}")


def make_experiment(name: str, run: Path | None, data: str, out: Path) -> None:
    """Runs an experiment, unless a finished run is given, and writes its page."""
    from keras_lottery import report
    from keras_lottery.records.recorded import read_config
    from keras_lottery.records.run_paths import RunPaths

    folder = run or finished(name, data, out)
    read_config(RunPaths(folder))  # an error would name the path of the copy
    with portable(folder) as copy:
        print(f"page: {report.write_page(copy, name, RESULTS).relative_to(ROOT)}")


def write_kept_pages(results: Path) -> None:
    """Writes every page and figure again from the tables in its folder."""
    from benchmarks.validation import page
    from keras_lottery import report

    for folder in sorted(path.parent for path in results.glob("*/config.json")):
        print(f"page: {report.write_page(folder, folder.name, results, index=False)}", flush=True)
    if (results / "validation").exists():
        print(f"page: {page.write(results / 'validation')}")


def declare_kept() -> None:
    """Adds a preset's new claims to the kept config.json of its experiments, as post hoc."""
    from keras_lottery.config import freeze, presets
    from keras_lottery.engine.declared import declared_claims
    from keras_lottery.records.run_paths import RunPaths

    for name, (config, *_) in EXPERIMENTS.items():
        paths = RunPaths(RESULTS / name)
        if paths.config.exists():
            record = json.loads(paths.config.read_text())
            claims = declared_claims(freeze(presets.load(config)), record, paths)
            paths.config.write_text(
                json.dumps(record | {"claims": claims}, indent=2, sort_keys=True) + "\n"
            )


@contextmanager
def portable(run: Path) -> Iterator[Path]:
    """Yields a view of a run folder whose config.json has no local paths."""
    with tempfile.TemporaryDirectory() as temporary:
        view = Path(temporary) / run.resolve().name
        view.mkdir()
        for path in run.resolve().glob("*"):
            (view / path.name).symlink_to(path)
        config = view / "config.json"
        record = json.loads(config.read_text())
        record["config"]["out"] = "runs"
        if "dir" in record["config"]["data"]:
            record["config"]["data"]["dir"] = ""
        sources = record["config"].get("transfer", {}).get("sources", {})
        sources.update({name: Path(source).name for name, source in sources.items()})
        config.unlink()
        config.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
        yield view


def finished(name: str, data: str, out: Path) -> Path:
    """Runs or resumes an experiment through the command line; returns its folder.

    Raises:
        LotteryError: the experiment has no data sets, but their folder is given.
    """
    from keras_lottery.config import freeze, presets
    from keras_lottery.errors import LotteryError

    config, *flags = EXPERIMENTS[name]
    if data and not hasattr(freeze(presets.load(config)).data, "dir"):
        raise LotteryError(
            f"Expected no --data-dir, since {name} reads no files. Received: {data}. Leave it out."
        )
    command = [sys.executable, "-m", "keras_lottery", "run", f"--config={config}", *flags]
    command += [f"--out={out}", "--report=false"]
    command += [f"--config.data.dir={data}"] if data else []
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout
    return ROOT / output.rpartition("run folder: ")[2].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
