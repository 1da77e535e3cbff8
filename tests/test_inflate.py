"""Files whose content is far larger than they are: one line, before memory is taken."""

import gzip
import struct
import zipfile
import zlib

import numpy as np
import pytest

from keras_lottery import inflate
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import prune_file
from keras_lottery.tasks.language.text import read_lines
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.datasets.arrays import arrays
from keras_lottery.tasks.vision.datasets.folder import folder
from keras_lottery.tasks.vision.datasets.idx import read_idx
from keras_lottery.tickets import Ticket

CLAIMED = 2**40


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def image_bomb(tmp_path):
    """A PNG whose header claims 100,000 × 100,000 pixels."""
    for place in ("train/a", "train/b", "test/a"):
        (tmp_path / place).mkdir(parents=True)
        header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") * 2
        (tmp_path / place / "bomb.png").write_bytes(data)
    folder(VisionData(name="folder", path=str(tmp_path)))


def claiming(path):
    """Lets the one member of a zip file claim 4 GB less a byte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x_train.npy", b"\0" * 1000)
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        start = raw.index(signature) + offset
        raw[start : start + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(raw)
    return path


def array_bomb(tmp_path):
    path = claiming(tmp_path / "bomb.npz")
    arrays(VisionData(name="arrays", path=str(path)))


def model_bomb(tmp_path):
    prune_file(claiming(tmp_path / "bomb.keras"), 0.5, tmp_path / "out.keras")


def ticket_bomb(tmp_path):
    """A header that claims an array of a terabyte."""
    path = tmp_path / "bomb.safetensors"
    entry = b'{"a":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}' % (CLAIMED // 4, CLAIMED)
    path.write_bytes(struct.pack("<Q", len(entry)) + entry + b"\0" * 8)
    Ticket.load(path)


def header_bomb(tmp_path):
    path = tmp_path / "bomb.safetensors"
    path.write_bytes(struct.pack("<Q", CLAIMED) + b"{}")
    Ticket.load(path)


@pytest.mark.parametrize("bomb", [image_bomb, array_bomb, model_bomb, ticket_bomb, header_bomb])
def test_a_bomb_is_one_line_that_names_the_file(bomb, tmp_path):
    with pytest.raises(LotteryError, match=r"bomb\.\w+") as caught:
        bomb(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_idx, read_lines])
def test_a_gzipped_file_inflates_only_as_far_as_is_plausible(read, tmp_path, monkeypatch):
    header = b"\0\0\x08\x01" + struct.pack(">I", 10**6)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(header + b"\0" * 10**6))
    assert len(read(path)) == (10**6 if read is read_idx else 1)
    monkeypatch.setattr(inflate, "MOST_BYTES", 10**5)
    monkeypatch.setattr(inflate, "_CHUNK", 10**4)
    with pytest.raises(LotteryError, match=r"bomb\.gz, where \d+ bytes decompress to 1\d{5} or"):
        read(path)


def test_what_compresses_well_is_no_bomb(tmp_path):
    path = tmp_path / "blank.npz"
    np.savez_compressed(path, x_train=np.zeros((100, 100, 100), np.uint8))
    inflate.check_zip(path)


def test_many_members_are_a_bomb_together(tmp_path, monkeypatch):
    path = tmp_path / "many.npz"
    np.savez_compressed(path, **{f"a{n}": np.zeros(10**5, np.uint8) for n in range(10)})
    monkeypatch.setattr(inflate, "MOST_BYTES", 2 * 10**5)
    with pytest.raises(LotteryError, match=r"many\.npz, where \d+ bytes decompress to 100\d{4} or"):
        inflate.read_npz(path, "")
