"""The memory that this process may still take, and giving memory back."""

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


def available_bytes() -> int | None:
    """Returns the available memory of the machine or its container; None if it isn't known."""
    available = [room for room in (_machine(), _container()) if room is not None]
    return min(available) if available else None


def _machine() -> int | None:
    """Returns Linux' available memory in bytes, which counts what its caches can give back."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _container() -> int | None:
    """Returns what a container's memory limit leaves, in bytes; None without a limit."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        return int(limit) - int(used)
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None


def give_back() -> None:
    """Returns freed memory to the system, which glibc keeps where arrays come and go."""
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Any:
    with suppress(OSError, AttributeError, TypeError):  # another C library, or Windows
        return ctypes.CDLL(None).malloc_trim
    return None
