"""The names of the package."""

import subprocess
import sys

import keras_lottery as kl


def test_dir_lists_only_public_names():
    assert dir(kl) == sorted(kl.__all__)
    assert all(getattr(kl, name) is not None for name in dir(kl))
    assert {"mask", "prune", "fit", "callbacks", "TicketSearch"} <= set(dir(kl))


# Python has these modules on POSIX only.
WITHOUT_POSIX = """
import sys

sys.modules |= dict.fromkeys(["fcntl", "resource", "pwd", "grp", "termios"])

import os

for name in ("fork", "sched_getaffinity", "sched_setaffinity", "getuid"):
    delattr(os, name)

import keras_lottery as kl
import keras_lottery.cli

assert [getattr(kl, name) for name in dir(kl)]
"""


def test_importing_needs_no_posix():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
