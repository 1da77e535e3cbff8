"""The signature of a model: names, shapes, dtypes and structure of its inputs; random batches."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, reason_of

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Input:
    """One input tensor; None in `shape` is any length."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.shape))}) {self.dtype}"


@dataclass(frozen=True)
class Signature:
    """The inputs of a model's call.

    Args:
        inputs: the input tensors, in order.
        arguments: the positional arguments of the call, nested lists and dicts with the index of
            an input at each leaf.
    """

    inputs: tuple[Input, ...]
    arguments: list[Any]

    def bind(self, values: dict[str, Any]) -> list[Any]:
        """Returns the positional arguments of a call, from tensors by input name."""
        tensors = [values[i.name] for i in self.inputs]
        return [map_leaves(lambda index: tensors[index], a) for a in self.arguments]

    def as_json(self) -> dict[str, Any]:
        inputs = [[i.name, list(i.shape), i.dtype] for i in self.inputs]
        return {"inputs": inputs, "arguments": self.arguments}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Signature":
        inputs = tuple(Input(name, tuple(shape), dtype) for name, shape, dtype in value["inputs"])
        return cls(inputs, value["arguments"])


def signature_of(model: Any, example: Any = None) -> Signature:
    """Returns the signature of a built model, from `example` if the model doesn't know its inputs.

    Raises:
        LotteryError: the model has no known inputs, or string inputs.
    """
    arguments, symbolic = _arguments(model, example)
    leaves: list[Any] = []

    def index_of(leaf: Any) -> int:
        leaves.append(leaf)
        return len(leaves) - 1

    numbered = [map_leaves(index_of, argument) for argument in arguments]
    inputs = tuple(
        Input(name, ((leaf.shape[0] if symbolic else None), *leaf.shape[1:]), _dtype(leaf))
        for name, leaf in zip(_names(numbered, leaves), leaves, strict=True)
    )
    for spec in inputs:
        if spec.dtype == "string":
            raise LotteryError(
                f"Expected a model of numbers. Received: the input {spec.name!r} of strings. "
                "Export the model without its preprocessing."
            )
    return Signature(inputs, numbered)


def given_batch(signature: Signature, example: Any) -> Arrays:
    """Returns the user's batch by input name.

    Raises:
        LotteryError: it doesn't have the model's structure, shapes or dtypes.
    """
    structure: Any = signature.arguments
    if len(signature.arguments) == 1:
        structure = signature.arguments[0]
    names = {spec.name for spec in signature.inputs}
    if isinstance(example, Mapping) and not isinstance(structure, dict) and set(example) == names:
        structure = {spec.name: index for index, spec in enumerate(signature.inputs)}
    leaves = dict(_matched(structure, example, signature))
    return {spec.name: _fitting(spec, leaves[i]) for i, spec in enumerate(signature.inputs)}


def _matched(structure: Any, example: Any, signature: Signature) -> Iterator[tuple[int, Any]]:
    """Yields index and value of every input; values of dicts are found by their keys."""
    if isinstance(structure, dict):
        if not isinstance(example, Mapping) or {*map(str, example)} != {*structure}:
            raise _other_structure(signature, example)
        for key, value in example.items():
            yield from _matched(structure[str(key)], value, signature)
    elif isinstance(structure, list):
        if not isinstance(example, (list, tuple)) or len(example) != len(structure):
            raise _other_structure(signature, example)
        for part, value in zip(structure, example, strict=True):
            yield from _matched(part, value, signature)
    elif isinstance(example, Mapping):
        raise _other_structure(signature, example)
    else:
        alone = isinstance(example, (list, tuple)) and len(example) == 1
        yield structure, example[0] if alone and hasattr(example[0], "shape") else example


def _other_structure(signature: Signature, example: Any) -> LotteryError:
    wanted = ", ".join(f"{spec.name} {spec}" for spec in signature.inputs)
    received = type(example).__name__
    if isinstance(example, Mapping):
        received = f"a dict of {', '.join(map(str, example)) or 'nothing'}"
    elif isinstance(example, (list, tuple)):
        received = f"{len(example)} arrays"
    return LotteryError(
        f"Expected a batch of the model's {len(signature.inputs)} inputs ({wanted}). "
        f"Received: {received}. Pass `inputs` as you would call the model."
    )


def _fitting(spec: Input, leaf: Any) -> NDArray[Any]:
    """Returns an array of the input's shape and dtype."""
    array, wanted = as_array(leaf), np.dtype(_storable(spec.dtype))
    fits = len(array.shape) == len(spec.shape) and all(
        size in (None, length) for size, length in zip(spec.shape, array.shape)
    )
    if not fits:
        raise LotteryError(
            f"Expected `inputs` of the model's shapes. Received: {spec.name} of shape "
            f"{array.shape} instead of {spec}. Pass `inputs` as you would call the model."
        )
    if not array.size:
        raise LotteryError(
            f"Expected a batch of one example or more. Received: {spec.name} of shape "
            f"{array.shape}. Pass examples, or leave `inputs` out."
        )
    same = np.can_cast(array.dtype, wanted, "same_kind")
    if array.dtype.kind in "iu" and wanted.kind in "iub":
        same = np.array_equal(array.astype(wanted), array)
    if not same:
        raise LotteryError(
            f"Expected `inputs` of the model's dtypes. Received: {spec.name} of {array.dtype} "
            f"instead of {spec.dtype}, which would change its values. Convert it."
        )
    return array.astype(wanted)


def as_array(value: Any) -> NDArray[Any]:
    """Returns an array or tensor of any backend, or nested lists of numbers, as an array.

    Raises:
        LotteryError: it has no numbers.
    """
    import keras

    try:
        array = np.asarray(keras.ops.convert_to_numpy(value))
    except Exception as error:  # whatever the backend raises
        raise LotteryError(
            f"Expected `inputs` of numbers. Received: {type(value).__name__}, {reason_of(error)} "
            "Pass arrays."
        ) from error
    if array.dtype.kind in "OSUM":
        raise LotteryError(
            f"Expected `inputs` of numbers. Received: {type(value).__name__} of dtype "
            f"{array.dtype}. Pass arrays of numbers."
        )
    return array


def random_batch(signature: Signature, *, length: int, high: int, batch: int = 3) -> Arrays:
    """Draws random inputs: standard normal floats, integers below `high`, fair booleans.

    Args:
        length: length used for None in a shape.
        high: exclusive upper bound of integers.
        batch: number of examples, if the model does not fix it.
    """
    rng = np.random.default_rng(0)
    values: Arrays = {}
    for spec in signature.inputs:
        first, *rest = spec.shape or (None,)
        shape = (batch if first is None else first, *(length if n is None else n for n in rest))
        if spec.dtype == "bool":
            values[spec.name] = rng.random(shape) < 0.5
        elif "int" in spec.dtype:
            values[spec.name] = rng.integers(0, high, shape).astype(spec.dtype)
        else:
            values[spec.name] = rng.standard_normal(shape).astype(_storable(spec.dtype))
    return values


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Returns nested lists and dicts with `function` applied to every leaf."""
    if isinstance(structure, dict):
        return {str(key): map_leaves(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [map_leaves(function, value) for value in structure]
    return function(structure)


def named(structure: Any, kind: str) -> dict[str, Any]:
    """Returns the leaves by name: keys of dicts, numbers in lists, `<kind>s` for a single one."""
    tensors: dict[str, Any] = {}

    def walk(part: Any, name: str) -> None:
        if isinstance(part, dict):
            for key, value in part.items():
                walk(value, f"{name}_{key}".lstrip("_"))
        elif isinstance(part, (list, tuple)):
            for number, value in enumerate(part):
                walk(value, f"{name or kind}_{number}")
        elif part is not None:
            tensors[_unique(_identifier(name or f"{kind}s", kind), tensors)] = part

    walk(structure, "")
    return tensors


def _arguments(model: Any, example: Any) -> tuple[list[Any], bool]:
    """Returns the positional arguments of a call, and whether the model sets their batch size."""

    if not getattr(model, "built", False):
        raise LotteryError(
            f"Expected a built model. Received: {model.name!r}, which has no weights yet. "
            "Call it on a batch, or build it, first."
        )
    if (known := _known_input(model)) is not None:
        return [known], True
    if example is not None:
        return _by_parameter(model, example) or [map_leaves(as_array, example)], False
    config = model.get_build_config() or {}
    shapes = config.get("shapes_dict") or {"inputs": config.get("input_shape")}
    if any(shape is None for shape in shapes.values()):
        raise LotteryError(
            f"Expected a model whose inputs are known. Received: {model.name!r}, which was never "
            "called. Call it on a batch first, or pass one as `inputs`."
        )
    return [_from_shapes(shape, model) for shape in shapes.values()], False


def _known_input(model: Any) -> Any:
    """Returns a model's symbolic input; None for subclassed ones, which know only its shape."""
    import keras

    if isinstance(model, keras.Sequential) and model.inputs:
        return model.inputs[0]
    return getattr(model, "input", None)


def _by_parameter(model: Any, example: Any) -> list[Any] | None:
    """Returns the tensors of a dict by the names of the call's first arguments; None for others."""
    import keras

    parameters = list(inspect.signature(model.call).parameters)
    if not isinstance(example, Mapping) or not set(example) <= set(parameters):
        return None
    if set(parameters[: len(example)]) != set(example):
        raise LotteryError(
            f"Expected `inputs` for the first arguments of the model's call, "
            f"{', '.join(parameters)}. Received: {', '.join(example)}. Pass those before them, too."
        )
    arrays = {name: as_array(example[name]) for name in parameters[: len(example)]}
    return [keras.KerasTensor(a.shape, _dtype(a), name=name) for name, a in arrays.items()]


def left_out(model: Any, signature: Signature) -> list[str]:
    """Returns the arguments of a subclassed model's call that a signature leaves at their default.

    Keras doesn't record whether the model was called with them.
    """
    if _known_input(model) is not None:
        return []
    parameters = list(inspect.signature(model.call).parameters.values())
    passed = parameters[len(signature.arguments) :]
    handled = ("training", "mask")
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in passed if p.name not in handled and p.kind in plain]


def _from_shapes(shapes: Any, model: Any) -> Any:
    import keras

    from keras_lottery.masking.keras_internals import input_dtype

    if isinstance(shapes, dict):
        return {key: _from_shapes(shape, model) for key, shape in shapes.items()}
    if all(isinstance(n, int) or n is None for n in shapes):
        return keras.KerasTensor((None, *shapes[1:]), input_dtype(model, shapes))
    return [_from_shapes(shape, model) for shape in shapes]


def _names(numbered: list[Any], leaves: list[Any]) -> list[str]:
    """Returns names: keys of dicts, else the user's tensor names, else numbers."""
    structure = numbered[0] if len(numbered) == 1 else numbered
    by_place = {index: name for name, index in named(structure, "input").items()}
    names: list[str] = []
    for index, leaf in enumerate(leaves):
        leaf_name = getattr(leaf, "name", None) or ""
        automatic = not leaf_name or re.fullmatch(r"(keras_tensor|input_layer)(_\d+)?", leaf_name)
        keyed = not re.fullmatch(r"inputs|input_\d+", by_place[index])
        name = by_place[index] if automatic or keyed else _identifier(leaf_name, "input")
        names.append(_unique(name, names))
    return names


def _identifier(name: str, kind: str) -> str:
    """Returns a name that TensorFlow accepts: ASCII, with a letter first."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII).lstrip("_")
    return plain if plain[:1].isalpha() else f"{kind}_{plain}".rstrip("_")


def _unique(name: str, taken: Sequence[str] | dict[str, Any]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _dtype(leaf: Any) -> str:
    import keras

    dtype = str(keras.backend.standardize_dtype(leaf.dtype))
    if (
        isinstance(leaf, np.ndarray) and dtype == "float64"
    ):  # NumPy's default, not the user's choice
        return str(keras.config.floatx())
    return dtype


def _storable(dtype: str) -> str:
    """Replaces bfloat16, which NumPy cannot write to a file, with float32."""
    return "float32" if dtype == "bfloat16" else dtype
