"""The source of each config field: the comments of the lines that set it."""

import linecache
import re
import sys
from types import FrameType
from typing import Any

from keras_lottery.config import flatten, presets

_FIELD = re.compile(r"^ +config\.(\S+) = .*?(?:  # (.*))?$")


def sources(name: str) -> dict[str, str]:
    """Returns the comment behind each field, `{"prune.rate": "F&C 2019, figure 2"}`.

    A variant runs some lines of its file, and perhaps lines of another config. Only lines that ran
    count; if a field is set twice, the last one.
    """
    root = str(presets.folder())
    ran: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(root):
            return None
        if event == "line":
            ran.append((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        settings = presets.load(name)
    finally:
        sys.settrace(before)
    comments: dict[str, str] = {}
    for file, number in ran:
        if match := _FIELD.match(linecache.getline(file, number)):
            comments = {f: text for f, text in comments.items() if not _within(f, match[1])}
            if match[2]:
                comments[match[1]] = match[2]
    fields = flatten(settings.to_dict())  # a variant may have deleted some
    return {f: text for f, text in comments.items() if any(_within(field, f) for field in fields)}


def _within(field: str, section: str) -> bool:
    return field == section or field.startswith(f"{section}.")
