"""How many threads a training computes with.

TensorFlow sums in another order with another number of threads, so the number is part of what makes
two trainings equal: a run folder records it, and every executor keeps to it.
"""

import os
import sys

_QUIET = "--xla_cpu_multi_thread_eigen=false"


def limits(threads: int | None) -> dict[str, str]:
    """Returns the environment in which a backend that is imported later uses so many threads.

    Args:
        threads: of one training; None: as many as there are cores.
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
    """Limits this process, before its backend computes anything."""
    os.environ.update(limits(threads))
    if threads is not None and (torch := sys.modules.get("torch")):
        torch.set_num_threads(threads)


def cores() -> int:
    """Returns how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
