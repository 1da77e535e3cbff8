"""Sizes of artifacts, plain and gzipped."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

_EXACT = 64 << 20
_BLOCK, _BLOCKS = 1 << 17, 64
_LEVEL = 6  # of gzip


def plain_bytes(artifact: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in _files(artifact))


def gzipped_bytes(artifact: Path) -> int:
    """Returns the size of the artifact's `.tar.gz` at gzip's default level, without writing it.

    Above 64 MB it is extrapolated from 64 evenly spaced blocks of 128 kB, as gzip takes a second
    for 10 to 30 MB and looks back no further than 32 kB.
    """
    total = plain_bytes(artifact)
    if total > _EXACT:
        blocks = list(_sampled(artifact, total // _BLOCKS))
        packed = sum(len(zlib.compress(block, _LEVEL)) for block in blocks)
        return round(packed * total / sum(map(len, blocks)))

    class Counter:
        total = 0

        def write(self, data: bytes) -> int:
            self.total += len(data)
            return len(data)

    counter = Counter()
    with (
        gzip.GzipFile(fileobj=cast(BinaryIO, counter), mode="wb", compresslevel=_LEVEL) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as archive,
    ):
        for file in _files(artifact):
            archive.add(file, arcname=file.relative_to(artifact.parent))
    return counter.total


def _sampled(artifact: Path, distance: int) -> Iterator[bytes]:
    """Yields a block at every `distance` bytes of the artifact's files, one after another."""
    ahead = 0
    for path in _files(artifact):
        size = path.stat().st_size
        with path.open("rb") as file:
            while ahead < size:
                file.seek(ahead)
                yield file.read(_BLOCK)
                ahead += distance
        ahead -= size


def _files(artifact: Path) -> list[Path]:
    return sorted(path for path in [artifact, *artifact.rglob("*")] if path.is_file())
