"""JSON as text: parse, unwrap, write."""

import json
import re
from typing import Any

from pydantic_core import from_json

ABSENT = ("", None, "null")
"""What counts as absent in an answer: all three have been seen."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TooDeepError(Exception):
    """JSON of more than 200 levels. No ``ValueError``: pydantic would catch it."""


def parse(text: str) -> Any:
    """Parse ``text``; raw control characters count as blanks.

    Raises as ``parse_strictly`` does.
    """
    try:
        return parse_strictly(text)
    except ValueError:
        return parse_strictly(_CONTROL.sub(" ", text))


def parse_strictly(text: str) -> Any:
    """Parse ``text``, of at most 200 levels.

    Raises ``TooDeepError``, and ``ValueError``, whose text may hold a piece of
    ``text``.
    """
    # A lone surrogate is a ValueError here, and a TypeError in from_json.
    raw = text.encode()
    try:
        # The cache of strings would keep patients' names in memory.
        return from_json(raw, allow_inf_nan=False, cache_strings="keys")
    except RecursionError:
        pass
    except ValueError as error:
        if "recursion" not in str(error):
            raise
    raise TooDeepError


def unwrap(value: Any) -> Any:
    """Parse ``value`` as often as it is JSON text: some platforms encode twice."""
    while isinstance(value, str):
        try:
            value = parse(value)
        except ValueError:
            break
    return value


write = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode
"""Write a value as compact JSON.

Not pydantic's ``to_json``, which on Windows nests 99 levels deep. Raises ``TypeError``,
``ValueError`` and ``RecursionError``, whose text may hold a value.
"""
