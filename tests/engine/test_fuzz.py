"""Randomly corrupted files are read as they were written, or raise LotteryError."""

import json
import random
import struct
import warnings

import numpy as np
import pytest

from keras_lottery.engine.run_folder import write_config
from keras_lottery.engine.run_writer import RunWriter
from keras_lottery.errors import LotteryError
from keras_lottery.records import load_config
from keras_lottery.report.results import results_by_task
from keras_lottery.tickets import Ticket
from tests.engine.made import MadeTask, made, of

EXTREME = [
    None, True, -1, 0, 3.5, 2**63, 10**400, "", "x", "\x1b[31m", "../../x", "\0", [], [[]], {},
    [-1, 8], [2**40, 2**40], [1] * 65, [0, 2**62], {"a": {"a": []}}, "F8_E5M2", "F64", "I8", "C64",
]  # fmt: skip
DEEP = "[" * 20_000 + "]" * 20_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made(tmp_path_factory.mktemp("fuzz"), seeds=(0,), rounds=1)


def ends_well(read):
    """Calls `read`, which may refuse with one line that a terminal can show."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # files that look like those of older versions
        try:
            read()
        except LotteryError as error:
            text = str(error)
            assert text and "\x1b" not in text and "\0" not in text and len(text) < 2000
            return False
    return True


def flipped(content, draw):
    """Returns bytes with a few of them changed, left out, doubled or cut off."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(content) or 1)
        length = draw.choice((1, 1, 1, 8, 40))
        change = draw.choice(("set", "set", "delete", "repeat", "cut"))
        if change == "set":
            content[place : place + length] = draw.randbytes(length)
        elif change == "delete":
            del content[place : place + length]
        elif change == "repeat":
            content[place:place] = content[place : place + length]
        elif draw.random() < 0.2:
            del content[place:]
    return bytes(content)


def replaced(value, draw):
    """Returns nested JSON values with one of them, anywhere, replaced by an extreme one."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(sorted(value))
        if draw.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: replaced(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        place = draw.randrange(len(value))
        return [*value[:place], replaced(value[place], draw), *value[place + 1 :]]
    return draw.choice(EXTREME)


def with_header(content, change):
    """Returns a safetensors file whose header, and the JSON within its metadata, are changed."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["keras_lottery"])
    header, ours = change(header, ours)
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        text = ours if isinstance(ours, str) else json.dumps(ours)
        header["__metadata__"]["keras_lottery"] = text
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def restored(path, contents, read):
    """Reads a file with each of the contents; returns how many were refused."""
    whole, refused = path.read_bytes(), 0
    try:
        for content in contents:
            path.write_bytes(content)
            refused += not ends_well(read)
    finally:
        path.write_bytes(whole)
    assert ends_well(read)
    return refused


@pytest.mark.parametrize("kind", ["ticket", "trained", "rewind"])
def test_arrays_of_garbage_raise_nothing_but_lottery_errors(files, kind):
    path, read = {
        "ticket": (files._paths.ticket(of(0, 1)), lambda: files.start_of(of(0, 1))),
        "trained": (files._paths.trained(of(0, 1)), lambda: files.trained(of(0, 1))),
        "rewind": (files._paths.rewind(0), lambda: files.rewind_state(0)),
    }[kind]
    draw, whole = random.Random(14), path.read_bytes()

    def changes(header, ours):
        del ours["checksums"]  # as in files of older versions: the values alone count
        ours["provenance"].pop("run")
        if draw.random() < 0.5:
            return header, replaced(ours, draw)
        return replaced(header, draw), ours

    def read_all():
        if kind == "ticket":
            ends_well(lambda: Ticket.load_masks(path))
        read()

    contents = [flipped(whole, draw) for _ in range(100)]
    contents += [with_header(whole, changes) for _ in range(150)]
    assert restored(path, contents, read_all) > 100


@pytest.mark.parametrize(
    "change",
    [
        lambda header, ours: (header, DEEP),
        lambda header, ours: (header, {k: v for k, v in ours.items() if k == "format"}),
        lambda header, ours: (header | {"x": {"dtype": "F32", "shape": [2**40, 2**40],
                                              "data_offsets": [0, 4]}}, ours),
        lambda header, ours: (header | {"x": {"dtype": "F32", "shape": [0, 2**63 - 1],
                                              "data_offsets": [0, 0]}}, ours),
        lambda header, ours: (header | {"x": {"dtype": "F8_E4M3", "shape": [0],
                                              "data_offsets": [0, 0]}}, ours),
        lambda header, ours: (header | {"x": {"dtype": "F32", "shape": [0] * 70,
                                              "data_offsets": [0, 0]}}, ours),
    ],
)  # fmt: skip
def test_claims_beyond_the_file_are_refused(files, change):
    path = files._paths.ticket(of(0, 1))
    content = with_header(path.read_bytes(), change)
    assert restored(path, [content], lambda: Ticket.load(path)) == 1


@pytest.mark.parametrize(
    "shape", [[-1, -8], [2**32, 2**32], [1] * 65, [True] * 8, [8.0], [10**30], [0, 2**62], "24", 24]
)
def test_shapes_of_masks_are_compared_with_their_bits_first(files, shape):
    path = files._paths.ticket(of(0, 1))

    def change(header, ours):
        ours["shapes"] = dict.fromkeys(ours["shapes"], shape)
        del ours["checksums"]
        ours["provenance"].pop("run")
        return header, ours

    content = with_header(path.read_bytes(), change)
    assert restored(path, [content], lambda: Ticket.load_masks(path)) == 1


def test_a_header_longer_than_the_file_is_not_read(files):
    path = files._paths.ticket(of(0, 1))
    rest = path.read_bytes()[8:]
    contents = [struct.pack("<Q", n) + rest for n in (2**63, 2**40, len(rest) + 1)]
    assert restored(path, contents, lambda: Ticket.load(path)) == 3


def read_run(files):
    """Reads config.json and results.csv as `run` and as `report` do."""
    root = files._paths.root
    ends_well(lambda: load_config(files._paths))
    ends_well(lambda: [study.arms for study in results_by_task(root)])
    write_config(files._paths, files.config, MadeTask())
    RunWriter(files.config, files._paths, MadeTask())


def test_a_config_of_garbage_raises_nothing_but_lottery_errors(files):
    path, draw = files._paths.config, random.Random(14)
    whole = path.read_bytes()
    contents = [flipped(whole, draw) for _ in range(30)]
    for _ in range(50):
        contents.append(json.dumps(replaced(json.loads(whole), draw)).encode())
    contents += [DEEP.encode(), b'{"config": ' + DEEP.encode() + b"}", b"\xff" * 50, b"\0" * 50]

    def read():
        content = path.read_bytes()
        try:
            read_run(files)
        finally:
            path.write_bytes(content)

    assert restored(path, contents, read) > 20


def test_results_of_garbage_raise_nothing_but_lottery_errors(files):
    path, draw = files._paths.results, random.Random(14)
    whole = path.read_bytes()
    lines = [line.split(",") for line in whole.decode().splitlines()]
    cells = ["", "-1", "99", "9" * 400, "nan", "inf", "1e999", "\0", "../x", "\x1b[m", '"', "1_0"]
    contents = [flipped(whole, draw) for _ in range(60)]
    for _ in range(60):
        changed = [list(line) for line in lines]
        row = changed[draw.randrange(1, len(changed))]
        row[draw.randrange(len(row))] = draw.choice(cells)
        contents.append(("\n".join(map(",".join, changed)) + "\n").encode())
    assert restored(path, contents, lambda: read_run(files)) > 80
    assert np.isfinite([row.value for row in results_by_task(files._paths.root)[0].rows]).all()
