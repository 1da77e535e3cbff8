"""The versions of Keras and the backends that this release was tested with."""

import warnings
from importlib import import_module

import keras
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

__all__ = ["TESTED", "warn_untested"]

TESTED = {
    "keras": ">=3.10,<3.16",
    "jax": ">=0.6.2,<0.11",
    "tensorflow": ">=2.19,<2.22",
    "torch": ">=2.7,<2.15",
}
"""Tested versions by package; `make compat` runs the tests on the lowest and the newest."""


def warn_untested() -> None:
    """Warns about a version of Keras, or of the backend in use, that was not tested."""
    for package in ("keras", keras.config.backend()):
        if package not in TESTED:
            continue
        installed = _version(package)
        if not _tested(package, installed):
            warnings.warn(
                f"Expected {package}{TESTED[package]}, which keras_lottery was tested with. "
                f"Received: {package} {installed}. Everything may work; if something fails, "
                "install a tested version.",
                stacklevel=2,
            )


def _version(package: str) -> str:
    # Not its metadata: TensorFlow and others are distributed under several names.
    return str(import_module(package).__version__)


def _tested(package: str, installed: str) -> bool:
    try:
        return SpecifierSet(TESTED[package]).contains(Version(installed), prereleases=True)
    except InvalidVersion:  # a custom build
        return False
