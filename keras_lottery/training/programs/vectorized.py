"""Many copies of one model, each with its own state, in one XLA program on JAX."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.export
import keras
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from keras_lottery.memory import available_bytes
from keras_lottery.training.programs.jax import Carry, JaxProgram

Network = tuple[list[Any], list[Any]]
"""Trainable and other variables of all tickets."""

_TICKETS = "tickets"
_SHARED = PartitionSpec()
_SPLIT = PartitionSpec(_TICKETS)


class VectorizedProgram:
    """`vmap` of a model's compiled steps over tickets, which the devices share evenly.

    Every array of `state` has the ticket as its first axis. Tickets are independent: there is no
    communication between devices, and a ticket that diverges changes no other one.

    Args:
        program: compiled steps of one ticket.
        devices: devices that share the tickets; None: all.
    """

    def __init__(self, program: JaxProgram, devices: Sequence[jax.Device] | None = None) -> None:
        self.compile_seconds = 0.0
        self.tickets = 0
        self.state: Carry = ()
        self._metrics: list[Any] = []  # reset
        self._program = program
        self._mesh = Mesh(np.array(devices or jax.local_devices()), (_TICKETS,))
        self._executables: dict[Any, Any] = {}
        over_tickets = self._over_tickets
        self._functions = {
            "train": over_tickets(program.many_steps, (0, None, 1, None), donated=(0,)),
            "step": over_tickets(program.single_step, (0, None, 0), donated=(0,)),
            "test": over_tickets(lambda *a: program.test_batches(*a)[2], (0, None, None)),
            "test_batch": over_tickets(program.test_batch, (0, None, None)),
            "results": over_tickets(program.results, (0,)),
        }
        self._select = jax.jit(_select, out_shardings=self._sharding(_SPLIT))

    @property
    def network(self) -> Network:
        """The variables of all tickets, without optimizer and metrics; valid until `train`."""
        return self.state[0], self.state[1]

    def load(self, states: Sequence[Carry]) -> None:
        """Sets the tickets' states: host arrays whose metrics are reset."""
        self.tickets = len(states)
        padded = [*states, *[states[-1]] * (self._padded(len(states)) - len(states))]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *padded)
        self.state = jax.device_put(stacked, self._sharding(_SPLIT))
        self._metrics = jax.device_put(stacked[3], self._sharding(_SPLIT))

    def unload(self) -> None:
        """Frees the memory of the tickets' states."""
        self.state, self._metrics = (), []

    def put(self, arrays: Any) -> Any:
        """Copies nested arrays to every device."""
        whole = self._sharding(_SHARED)
        return keras.tree.map_structure(lambda array: jax.device_put(array, whole), arrays)

    def train(self, data: Any, order: NDArray[np.int32], steps: int) -> None:
        """Trains each ticket on its first `steps` batches.

        Args:
            data: arrays of all tickets.
            order: examples, `(capacity, tickets, batch)`.
            steps: number of steps.
        """
        more = self._padded(self.tickets) - self.tickets
        order = np.pad(order, ((0, 0), (0, more), (0, 0)), mode="edge")
        if self._program.loop:
            self.state = self._call("train", self.state, data, order, np.int32(steps))
            return
        for rows in order[:steps]:
            self.state = self._call("step", self.state, data, rows)

    def test(
        self, network: Network, data: Any, orders: Sequence[NDArray[np.int32]]
    ) -> list[dict[str, float]]:
        """Returns the metrics of every ticket on all batches of `orders`, each `(batches, batch)`.

        Args:
            network: variables of the tickets.
            data: arrays of all tickets.
            orders: examples of the batches, by batch size.
        """
        metrics = self._metrics
        for order in orders:
            state: Carry = (*network, metrics)
            if self._program.loop:
                metrics = self._call("test", state, data, order)
                continue
            for rows in order:
                state = self._call("test_batch", state, data, rows)
            metrics = state[2]
        return self._results(metrics)

    def take_results(self) -> list[dict[str, float]]:
        """Returns the metrics of training since the last call."""
        results = self._results(self.state[3])
        self.state = (*self.state[:3], jax.tree.map(jax.numpy.copy, self._metrics))
        return results

    def select(self, chosen: NDArray[np.bool_], new: Network, old: Network) -> Network:
        """Returns a copy of the networks in `new` where `chosen`, `(tickets,)`, else in `old`."""
        more = self._padded(self.tickets) - self.tickets
        network: Network = self._select(np.pad(chosen, (0, more)), new, old)
        return network

    def each(self, state: Any, function: Callable[[], Any]) -> list[Any]:
        """Calls a function once per ticket, with a state or network assigned to the model."""
        arrays, results = jax.device_get(state), []
        for ticket in range(self.tickets):
            self._program.assign(jax.tree.map(lambda leaf, i=ticket: leaf[i], arrays))
            results.append(function())
        return results

    def fits(
        self, tickets: int, data: Any, order: Any, test: Any, test_order: Any, copies: int
    ) -> bool:
        """Compiles the programs for a number of tickets; returns whether the devices can hold them.

        Args:
            tickets: number of tickets.
            data: training arrays.
            order: examples of one ticket's steps, `(capacity, batch)`.
            test: arrays of the largest evaluation.
            test_order: its batches.
            copies: copies of the networks, such as those at the minimum of the validation loss.
        """
        limit = self._free_bytes()
        if limit is None:
            return True
        state, order = self._abstract(tickets, order)
        evaluated = (state[0], state[1], state[3])
        if self._program.loop:
            trained = self._executable("train", state, data, order, np.int32(0))
            tested = self._executable("test", evaluated, test, test_order)
        else:
            rows = jax.ShapeDtypeStruct(order.shape[1:], order.dtype)
            trained = self._executable("step", state, data, rows)
            tested = self._executable("test_batch", evaluated, test, test_order[0])
        network = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state[:2]))
        used = max(_bytes(trained), _bytes(tested)) + copies * network // self._mesh.size
        return used <= limit

    def exported_for(self, platform: str, tickets: int, data: Any, order: NDArray[np.int32]) -> Any:
        """Returns the loop over steps, lowered for another platform such as `tpu`."""
        lower = jax.export.export(self._functions["train"], platforms=[platform])
        state, orders = self._abstract(tickets, order)
        return lower(state, data, orders, np.int32(len(order)))

    def _abstract(self, tickets: int, order: Any) -> tuple[Carry, jax.ShapeDtypeStruct]:
        """Returns the shapes of the state and of the order of many tickets."""
        count = self._padded(tickets)
        state = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype),
            self._program.state(),
        )
        capacity, batch = order.shape
        return state, jax.ShapeDtypeStruct((capacity, count, batch), np.int32)

    def _results(self, metrics: list[Any]) -> list[dict[str, float]]:
        named = jax.device_get(self._call("results", metrics))
        return [{k: float(v[i]) for k, v in named.items()} for i in range(self.tickets)]

    def _over_tickets(
        self, function: Any, axes: tuple[int | None, ...], donated: tuple[int, ...] = ()
    ) -> Any:
        specs = tuple(
            _SHARED if axis is None else PartitionSpec(*[None] * axis, _TICKETS) for axis in axes
        )
        mapped = jax.shard_map(
            jax.vmap(function, in_axes=axes),
            mesh=self._mesh,
            in_specs=specs,
            out_specs=_SPLIT,
            check_vma=False,  # some new values, such as zeroed states, depend on no ticket
        )
        shardings = tuple(map(self._sharding, specs))
        return jax.jit(mapped, in_shardings=shardings, donate_argnums=donated)

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._executable(name, *arguments)(*arguments)

    def _executable(self, name: str, *arguments: Any) -> Any:
        """Returns a function compiled for the shapes of its arguments."""
        key = (name, *((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arguments)))
        if key not in self._executables:
            began = time.perf_counter()
            self._executables[key] = self._functions[name].lower(*arguments).compile()
            self.compile_seconds += time.perf_counter() - began
        return self._executables[key]

    def _padded(self, tickets: int) -> int:
        """Returns the number of tickets that the devices can share evenly."""
        return -(-tickets // self._mesh.size) * self._mesh.size

    def _sharding(self, spec: PartitionSpec) -> NamedSharding:
        return NamedSharding(self._mesh, spec)

    def _free_bytes(self) -> int | None:
        """Returns the free memory of each device; None if it isn't known."""
        device = self._mesh.devices.flat[0]
        if device.platform == "cpu":
            available = available_bytes()
            return available and available // self._mesh.size
        memory = device.memory_stats() or {}
        limit = memory.get("bytes_limit")
        return None if limit is None else limit - memory.get("bytes_in_use", 0)


def _select(chosen: Any, new: Network, old: Network) -> Network:
    def one(a: Any, b: Any) -> Any:
        return jax.numpy.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(one, new, old)


def _bytes(executable: Any) -> int:
    """Returns the memory that a compiled program takes on a device; 0 if it isn't known."""
    memory = executable.memory_analysis()
    if memory is None:
        return 0
    arrays = memory.argument_size_in_bytes + memory.output_size_in_bytes
    return int(arrays + memory.temp_size_in_bytes - memory.alias_size_in_bytes)
