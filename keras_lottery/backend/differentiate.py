"""First and second derivatives of a scalar function of a list of arrays, on any backend."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_lottery.backend import runtime

Function = Callable[..., Any]
"""`(values, *arguments) -> scalar`; the values are a list of tensors."""

__all__ = ["gradient_of", "hessian_vector_of"]


def gradient_of(function: Function, repeated: bool = False) -> Callable[..., list[Any]]:
    """Returns `(values, *arguments) -> ∂function/∂values`, with the shapes of the values.

    Args:
        function: see `Function`.
        repeated: JAX compiles it; this takes as long as one or two calls without.
    """
    make = {"tensorflow": _tensorflow_gradient, "jax": _jax_gradient, "torch": _torch_gradient}
    gradient: Callable[..., list[Any]] = runtime.select(make)(function)
    if repeated and runtime.name() == "jax":
        import jax

        gradient = jax.jit(gradient)
    return gradient


def hessian_vector_of(function: Function) -> Callable[..., list[Any]]:
    """Returns `(values, vector, *arguments) -> H·vector`, with H = ∂²function/∂values².

    H is never computed. The vector is a list of arrays with the shapes of the values.

    Reference: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
    """
    make = {"tensorflow": _tensorflow_product, "jax": _jax_product, "torch": _torch_product}
    product: Callable[..., list[Any]] = runtime.select(make)(function)
    return product


def _jax_gradient(function: Function) -> Callable[..., list[Any]]:
    import jax

    gradient: Callable[..., list[Any]] = jax.grad(function)
    return gradient


def _jax_product(function: Function) -> Callable[..., list[Any]]:
    import jax

    def product(values: list[Any], vector: list[Any], *arguments: Any) -> list[Any]:
        def gradient(at: list[Any]) -> list[Any]:
            products: list[Any] = jax.grad(function)(at, *arguments)
            return products

        return list(jax.jvp(gradient, (values,), (vector,))[1])

    compiled: Callable[..., list[Any]] = jax.jit(product)  # called once per batch and probe
    return compiled


def _tensorflow_gradient(function: Function) -> Callable[..., list[Any]]:
    import tensorflow as tf

    def gradient(values: Sequence[Any], *arguments: Any) -> list[Any]:
        tensors = [tf.convert_to_tensor(v) for v in values]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            result = function(tensors, *arguments)
        gradients = tape.gradient(result, tensors, unconnected_gradients="zero")
        return [tf.convert_to_tensor(g) for g in gradients]

    return gradient


def _tensorflow_product(function: Function) -> Callable[..., list[Any]]:
    import tensorflow as tf

    inner = _tensorflow_gradient(function)

    def product(values: Sequence[Any], vector: Sequence[Any], *arguments: Any) -> list[Any]:
        tensors = [tf.convert_to_tensor(v) for v in values]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            gradient = inner(tensors, *arguments)
        products = tape.gradient(
            gradient,
            tensors,
            output_gradients=[tf.convert_to_tensor(v) for v in vector],
            unconnected_gradients="zero",
        )
        return [tf.convert_to_tensor(g) for g in products]

    return product


def _torch_gradient(function: Function) -> Callable[..., list[Any]]:
    def gradient(values: Sequence[Any], *arguments: Any) -> list[Any]:
        tensors = _leaves(values)
        return _torch_derivatives(function(tensors, *arguments), tensors)

    return gradient


def _torch_product(function: Function) -> Callable[..., list[Any]]:
    import torch

    def product(values: Sequence[Any], vector: Sequence[Any], *arguments: Any) -> list[Any]:
        tensors = _leaves(values)
        gradient = _torch_derivatives(function(tensors, *arguments), tensors, graph=True)
        pairs = zip(gradient, vector, strict=True)
        along = sum((g * torch.as_tensor(v, device=g.device)).sum() for g, v in pairs)
        return _torch_derivatives(along, tensors)

    return product


def _leaves(values: Sequence[Any]) -> list[Any]:
    return [value.detach().requires_grad_() for value in values]


def _torch_derivatives(result: Any, tensors: Sequence[Any], graph: bool = False) -> list[Any]:
    """Returns the derivatives, 0 for tensors that the result doesn't depend on."""
    import torch

    if not result.requires_grad:
        return [torch.zeros_like(t) for t in tensors]
    derivatives = torch.autograd.grad(result, tensors, create_graph=graph, allow_unused=True)
    pairs = zip(derivatives, tensors, strict=True)
    return [torch.zeros_like(t) if g is None else (g if graph else g.detach()) for g, t in pairs]
