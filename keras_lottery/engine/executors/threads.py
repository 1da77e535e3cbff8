"""The number of threads of a training.

TensorFlow's summation order depends on the number of threads, so equal results need an equal
number: a run folder records it, and every executor keeps to it.
"""

import os
import sys

_QUIET = "--xla_cpu_multi_thread_eigen=false"


def limits(threads: int | None) -> dict[str, str]:
    """Returns the environment variables that limit a backend imported later.

    Args:
        threads: threads of one training; None: one per core.
    """
    if threads is None:
        return {}
    count = str(threads)
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1 and _QUIET not in flags:
        flags = f"{flags} {_QUIET}".strip()
    variables = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), count)
    return variables | {"TF_NUM_INTEROP_THREADS": "1", "XLA_FLAGS": flags}


def limit_threads(threads: int | None) -> None:
    """Limits the threads of this process; call before its backend computes anything."""
    os.environ.update(limits(threads))
    if threads is not None and (torch := sys.modules.get("torch")):
        torch.set_num_threads(threads)


def cores() -> int:
    """Returns how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
