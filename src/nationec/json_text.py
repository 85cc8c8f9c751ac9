"""JSON as text: parse, unwrap, write."""

import json
import re
from typing import Any

from pydantic_core import from_json

ABSENT = ("", None, "null")
"""Values that count as absent in an answer. Platforms send all three."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse(text: str) -> Any:
    """Parse ``text``; raw control characters count as blanks.

    Raises the same exceptions as ``parse_strictly``.
    """
    try:
        return parse_strictly(text)
    except ValueError:
        return parse_strictly(_CONTROL.sub(" ", text))


def parse_strictly(text: str) -> Any:
    """Parse ``text``, which may nest 200 levels deep.

    Raises ``ValueError`` if it is not JSON; its message may hold a piece of ``text``.
    Raises ``RecursionError`` if it is deeper, since pydantic makes a fault of one field
    of a ``ValueError``.
    """
    try:
        # ``encode`` raises ValueError for a lone surrogate, from_json a TypeError.
        # The cache of strings would keep patients' names in memory.
        return from_json(text.encode(), allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        if "recursion" not in str(error):
            raise
    raise RecursionError


def unwrap(value: Any) -> Any:
    """Parse ``value`` as long as it is JSON text: some platforms encode it twice."""
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

pydantic's ``to_json`` fails on Windows for more than 99 levels. Raises ``TypeError``,
``ValueError`` and ``RecursionError``; their messages may hold a value.
"""


def as_text(value: Any) -> str:
    """Write ``value`` as JSON, unless it is text already."""
    return value if isinstance(value, str) else write(value)
