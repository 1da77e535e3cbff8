"""Reads the package's docstrings in Google's style, whose section of examples has another name."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Turns a docstring's `Example:` into the section `Examples:`, which is shown as code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
