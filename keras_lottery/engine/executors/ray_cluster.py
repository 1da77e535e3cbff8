"""The connection to a Ray cluster, and how many trainings fit on its nodes."""

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_lottery.config import Config
from keras_lottery.engine.executors.threads import cores, limits
from keras_lottery.errors import LotteryError, MissingExtraError, reason_of

Resources = Mapping[str, float]
"""Amounts by Ray's names: `CPU`, `GPU`, `TPU`, or a cluster's own."""

ACCELERATORS = ("GPU", "TPU")
"""Resources of which a training takes one by default, if a node has any."""

# Results depend on XLA's flags, so the nodes get those of the driver. The rest is for each node:
# the driver's folders may not exist there.
_SENT = (
    "KERAS_BACKEND",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_USE_LEGACY_KERAS",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
)
_SECONDS = 10.0


def connect(address: str) -> bool:
    """Connects this process to a cluster, unless it is connected.

    Args:
        address: `HOST:PORT`; or `auto`: RAY_ADDRESS, else the cluster that `ray start` started on
            this machine, else a new one in child processes, as for `local`.

    Returns:
        Whether it was not connected before.

    Raises:
        LotteryError: Ray is not installed, or there is no cluster at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray") from error
    if ray.is_initialized():
        return False
    named = os.environ.get("RAY_ADDRESS") or "auto" if address == "auto" else address
    if named in ("auto", "local"):
        options = (named == "auto" and _found_here()) or {"address": "local", "num_cpus": cores()}
    else:
        _check_reachable(named)
        options = {"address": named}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, **options
        )
    except (Exception, SystemExit) as error:  # Ray ends the process if the cluster doesn't answer
        reason = reason_of(error) if isinstance(error, Exception) else "no answer."
        raise LotteryError(
            f"Expected a running Ray cluster, or one that can be started. Received: "
            f"--ray={named}: {reason} Check it with `ray status`."
        ) from error
    return True


def disconnect() -> None:
    """Disconnects this process, and ends a cluster in child processes."""
    import ray

    ray.shutdown()


def capacity(config: Config) -> tuple[int, Resources]:
    """Returns how many trainings fit on the cluster at a time, and what each needs.

    Raises:
        LotteryError: none fits, and the config's workers are not given, for which a cluster may
            start nodes.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    need = needed(config, nodes)
    count = sum(trainings_on(node, need) for node in nodes)
    if not count and config.workers is None:
        raise LotteryError(
            f"Expected a node for a training, which needs {listed(need)}. Received: "
            f"{' and '.join(map(listed, nodes))}. Lower --threads or resources, or pass --workers "
            "if the cluster starts nodes on demand."
        )
    return count, need


def needed(config: Config, nodes: Sequence[Resources]) -> Resources:
    """Returns what one training takes: its threads, and the config's resources or an accelerator.

    Args:
        config: config of the experiment.
        nodes: resources of the nodes.
    """
    need = {"CPU": float(config.threads or 1)}
    if config.resources:
        return need | config.resources
    found = [kind for kind in ACCELERATORS if any(node.get(kind) for node in nodes)]
    return need | dict.fromkeys(found[:1], 1.0)


def trainings_on(node: Resources, need: Resources) -> int:
    """Returns how many trainings a node can do at a time."""
    # Ray counts in ten-thousandths; 0.3 // 0.1 is 2.
    parts = [
        round(node.get(kind, 0) * 10_000) // max(1, round(amount * 10_000))
        for kind, amount in need.items()
        if amount
    ]
    return min(parts, default=1)


def actor_options(config: Config, need: Resources) -> dict[str, Any]:
    """Returns Ray's options of the actors of an experiment."""
    sent = {name: os.environ[name] for name in _SENT if name in os.environ}
    others = {kind: amount for kind, amount in need.items() if kind not in ("CPU", "GPU")}
    return {
        "num_cpus": need["CPU"],
        "num_gpus": need.get("GPU", 0),
        "resources": {kind: amount for kind, amount in others.items() if amount},
        "runtime_env": {"env_vars": sent | limits(config.threads)},
    }


def listed(resources: Resources) -> str:
    """Returns resources as text, such as `4 CPU, 1 GPU`, without memory and names of nodes."""
    shown = {
        kind: amount
        for kind, amount in resources.items()
        if "memory" not in kind and not kind.startswith(("node:", "accelerator_type:"))
    }
    return ", ".join(f"{amount:g} {kind}" for kind, amount in sorted(shown.items())) or "nothing"


def _found_here() -> dict[str, Any]:
    """Returns the address of the cluster that `ray start` started on this machine, if it runs."""
    file = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"
    try:
        address = file.read_text().strip()
        _check_reachable(address)
    except (OSError, LotteryError):  # none, or one that was killed, whose file stayed
        return {}
    return {"address": address}


def _check_reachable(address: str) -> None:
    """Raises LotteryError if nothing listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise LotteryError(
            f"Expected --ray=auto or the HOST:PORT of a Ray cluster. Received: {address!r}. Run on "
            "one of its nodes; `ray status` there prints the address."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise LotteryError(
            f"Expected a Ray cluster at the address. Received: --ray={address}: "
            f"{reason_of(error)} Start one with `ray start --head`, or leave --ray out."
        ) from error
