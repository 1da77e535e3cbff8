"""The progress of a run: its trainings, and the steps of the current one."""

import io

from rich.console import Console

from keras_lottery.engine import progress
from keras_lottery.engine.progress import ProgressBar
from keras_lottery.types import Training


def test_plain_lines_go_on_within_a_training():
    console = Console(file=io.StringIO(), width=100)
    with (
        ProgressBar(4, 1, console, pause=0) as bar,
        bar.training(Training("", "vision", 0, 2, "winning")) as one,
    ):
        one.update(30, 120, 0.25)
        one.update(60, 120, float("nan"))
    lines = console.file.getvalue().splitlines()
    assert [line.rpartition(", ")[0] for line in lines] == [
        "seed 0 round 2 winning: step 30 of 120, loss 0.25",
        "seed 0 round 2 winning: step 60 of 120",
        "2/4 seed 0 round 2 winning done",
    ]


def test_plain_lines_pause_up_to_the_last():
    console = Console(file=io.StringIO(), width=100)
    with ProgressBar(2, 0, console, pause=1e9) as bar:
        for number in (1, 2):
            with bar.training(Training("", "vision", 0, number, "winning")) as one:
                one.update(50, 100, 0.5)
    (line,) = console.file.getvalue().splitlines()
    assert line.startswith("2/2 seed 0 round 2 winning done, ")


def test_a_terminal_shows_the_steps_and_the_loss():
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with (
        ProgressBar(4, 0, console) as bar,
        bar.training(Training("", "vision", 0, 2, "winning")) as one,
    ):
        one.update(30, 120, 0.25)
        bar._bar.refresh()
    shown = console.file.getvalue()
    assert "30/120" in shown and "loss 0.25" in shown and "seed 0 round 2 winning" in shown


def test_the_time_left_follows_from_the_compiled_steps(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=100)
    with (
        ProgressBar(3, 0, console, pause=0) as bar,
        bar.training(Training("", "vision", 0, 0, "dense")) as one,
    ):
        now[0] = 100.0  # of compiling
        one.update(10, 100, 0.5)
        one.update(11, 100, 0.5)
        now[0] = 101.0
        bar.skip(1)
        one.update(20, 100, 0.5)
    *compiling, second, _ = console.file.getvalue().splitlines()
    # The first steps took as long as compiling did, and so did one left over from them.
    assert [line.rsplit(", ")[-1] for line in compiling] == ["? left"] * 2
    assert second.endswith("0:00:18 left")  # 18 tenths at one second each


def test_durations():
    assert [progress.duration(s) for s in (0, 3_900, 172_799)] == ["0:00:00", "1:05:00", "47:59:59"]
    assert progress.duration(25 * 86_400) == "25.0 days"
