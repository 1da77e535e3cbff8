"""A large artifact and its dense network are timed one after the other, small ones in turns."""

from typing import ClassVar

import pytest

from keras_lottery.exporters.exporter import Loaded
from keras_lottery.exporters.subprocess import reading


class Runtime:
    """A loaded artifact that records when it is called, and how many are alive."""

    alive = most = 0
    calls: ClassVar[list[str]] = []

    def __init__(self, name):
        self.name = name
        Runtime.alive += 1
        Runtime.most = max(Runtime.most, Runtime.alive)

    def __call__(self, inputs):
        self.calls.append(self.name)

    def __del__(self):
        Runtime.alive -= 1


@pytest.mark.parametrize(
    ("together", "most", "begin"),
    [(0, 1, ["artifact"] * 4 + ["dense"] * 4), (100, 2, ["artifact", "dense"] * 4)],
    ids=["large", "small"],
)
def test_the_parts_take_turns(together, most, begin, monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "_TOGETHER", together)
    monkeypatch.setattr(reading, "_SECONDS", 0.0)
    monkeypatch.setattr(reading, "load", lambda part: Loaded(Runtime(part["artifact"]), list))
    monkeypatch.setattr(Runtime, "most", 0)
    monkeypatch.setattr(Runtime, "calls", [])
    monkeypatch.chdir(tmp_path)
    parts = {name: {"artifact": name} for name in ("artifact", "dense")}
    for name in parts:
        (tmp_path / name).write_text("weights")
    loaded = {"artifact": reading.load(parts["artifact"])}
    times = reading._latencies(parts, loaded, {}, [1])
    assert Runtime.calls[: len(begin)] == begin
    assert (Runtime.most, Runtime.alive, loaded) == (most, 0, {})
    assert {name: list(batches) for name, batches in times.items()} == {n: [1] for n in parts}
