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

from benchmarks.experiments import EXPERIMENTS

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs/results"

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
    from keras_lottery.records.config_file import read_config
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
    from keras_lottery.engine.claims import declared_claims
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
