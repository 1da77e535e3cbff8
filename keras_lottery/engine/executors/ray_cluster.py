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

# Results depend on some variables, so the nodes get the driver's. Not its folders, which may not
# exist there, nor its choice of devices.
_SENT = (
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_ENABLE_X64",
    "KERAS_BACKEND",
    "NVIDIA_TF32_OVERRIDE",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
)
_SECONDS = 10.0
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""The first bytes of a gRPC client: the preface of HTTP/2 and an empty SETTINGS frame."""


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
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    if address == "auto":
        address = _running_here() or "local"
    if address == "local":
        options = {"address": address, "num_cpus": cores()}
    else:
        _check_reachable(address)
        options = {"address": address}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, **options
        )
    except (Exception, SystemExit) as error:  # Ray ends the process if the cluster doesn't answer
        reason = " ".join(str(error).split()) if isinstance(error, Exception) else "no answer"
        raise LotteryError(
            f"Expected a Ray cluster that this machine can join. Received: --ray={address}: "
            f"{reason[:300].rstrip('.')}. Check it with `ray status`."
        ) from error
    return True


def disconnect() -> None:
    """Disconnects this process, and ends a cluster in child processes."""
    import ray

    ray.shutdown()


def capacity(config: Config) -> tuple[int, Resources]:
    """Returns how many trainings fit on the cluster at a time, and what each needs.

    Raises:
        LotteryError: none fits, unless the config has workers, for which a cluster may start nodes.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    need = needed(config, nodes)
    count = sum(trainings_on(node, need) for node in nodes)
    if not count and config.workers is None:
        kinds = " or ".join(sorted(set(map(listed, nodes))))
        raise LotteryError(
            f"Expected a node with {listed(need)}, which a training takes. Received: nodes with "
            f"{kinds}. Lower --threads or resources, or pass --workers if the cluster starts nodes "
            "on demand."
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
    kinds = [kind for kind in ACCELERATORS if any(node.get(kind) for node in nodes)]
    return need | dict.fromkeys(kinds[:1], 1.0)


def trainings_on(node: Resources, need: Resources) -> int:
    """Returns how many trainings fit on a node at a time."""
    # Ray counts in ten-thousandths; 0.3 // 0.1 is 2.
    parts = [
        round(node.get(kind, 0) * 10_000) // max(1, round(amount * 10_000))
        for kind, amount in need.items()
        if amount
    ]
    return min(parts, default=1)


def actor_options(config: Config, need: Resources) -> dict[str, Any]:
    """Returns Ray's options of the actors of an experiment."""
    variables = {name: os.environ[name] for name in _SENT if name in os.environ}
    others = {kind: amount for kind, amount in need.items() if kind not in ("CPU", "GPU")}
    return {
        "num_cpus": need["CPU"],
        "num_gpus": need.get("GPU", 0),
        "resources": {kind: amount for kind, amount in others.items() if amount},
        "runtime_env": {"env_vars": variables | limits(config.threads)},
    }


def listed(resources: Resources) -> str:
    """Returns resources as text, such as `4 CPU, 1 GPU`, without memory and names of nodes."""
    amounts = [
        f"{amount:g} {kind}"
        for kind, amount in sorted(resources.items())
        if "memory" not in kind and not kind.startswith(("node:", "accelerator_type:"))
    ]
    return ", ".join(amounts) or "nothing"


def _running_here() -> str:
    """Returns the address of the cluster that `ray start` started on this machine, if it runs."""
    file = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"
    try:
        address = file.read_text().strip()
        _check_reachable(address)
    except (OSError, LotteryError):  # none, or one that was killed, whose file stayed
        return ""
    return address


def _check_reachable(address: str) -> None:
    """Raises LotteryError if no gRPC server answers; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise LotteryError(
            f"Expected --ray=auto or the HOST:PORT of a Ray cluster. Received: {address!r}. Run on "
            "one of its nodes; `ray status` there prints the address."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as server:
            _greet(server)
    except (OSError, OverflowError) as error:
        raise LotteryError(
            f"Expected a Ray cluster at the address. Received: --ray={address}: "
            f"{reason_of(error)} Start one with `ray start --head`, or leave --ray out."
        ) from error


def _greet(server: socket.socket) -> None:
    if "RAY_USE_TLS" in os.environ:  # it would answer a TLS handshake only
        return
    server.sendall(_GREETING)
    if server.recv(4)[3:] != b"\x04":  # the length of a frame, and the type SETTINGS
        raise ConnectionError("what listens there is not Ray")
