import platform
from pathlib import Path

import numpy as np
import pytest

from keras_lottery.memory import give_back


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep less")
def test_freed_memory_goes_back_to_the_system():
    blocks = [np.ones(12_500) for _ in range(400)]  # 100 kB each: too small for maps of their own
    rest = blocks[::40] + blocks[-1:]
    del blocks
    held = resident_bytes()
    give_back()
    assert held - resident_bytes() > 20e6
    assert all(np.all(block == 1) for block in rest)


def resident_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
