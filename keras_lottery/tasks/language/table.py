"""Rows of tab-separated files, whether their fields are quoted or not."""

import csv
from collections.abc import Sequence
from pathlib import Path

from keras_lottery.tasks.language.text import read_lines

Row = tuple[int, list[str]]
"""The line number at which a row starts, from 1, and its fields."""


def read_table(path: Path) -> list[Row]:
    """Returns the rows of a file, including its header, without empty rows.

    GLUE's files are not quoted: a quotation mark is a character like any other, and a sentence
    may start with one. Spreadsheets and pandas quote fields that contain tabs, line breaks or
    quotation marks. A file is read as quoted only if all of it follows the rules of quoting, and
    either its header is quoted, or a field contains a doubled quotation mark, or its rows have the
    header's number of columns only when read this way.

    Raises:
        LotteryError: it can't be read, or is empty.
    """
    lines = read_lines(path)
    plain = [(number, line.split("\t")) for number, line in enumerate(lines, 1) if line.strip()]
    return _quoted(lines, plain) or plain


def _quoted(lines: Sequence[str], plain: Sequence[Row]) -> list[Row]:
    """Returns the rows of a quoted file; none if it isn't quoted."""
    if not any('"' in line for line in lines):
        return []
    rows: list[Row] = []
    proven = False
    reader = csv.reader((f"{line}\n" for line in lines), delimiter="\t", strict=True)
    before = 0
    try:
        for fields in reader:
            raw = "\n".join(lines[before : reader.line_num])
            quoted = _which_are_quoted(raw, fields)
            if quoted is None:
                return []
            if any(field.strip() for field in fields):
                doubled = any('"' in field for field in fields)
                proven |= doubled or (not rows and any(quoted))
                rows.append((before + 1, fields))
            before = reader.line_num
    except csv.Error:
        return []
    if not _even(rows) or (_even(plain) and not (proven and len(rows) == len(plain))):
        return []
    return rows


def _which_are_quoted(raw: str, fields: Sequence[str]) -> list[bool] | None:
    """Returns whether each field is quoted; None if the quoting is broken."""
    quoted, at = [], 0
    for field in fields:
        wrapped = '"' + field.replace('"', '""') + '"'
        is_quoted = raw.startswith(wrapped, at)
        if not is_quoted and '"' in field:
            return None
        quoted.append(is_quoted)
        at += len(wrapped if is_quoted else field) + 1
    return quoted


def _even(rows: Sequence[Row]) -> bool:
    """Returns whether every row has as many columns as the first."""
    return len({len(fields) for _, fields in rows}) == 1
