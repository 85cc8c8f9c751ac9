"""The output of the command: JSON for programs, lines for people, an exit code."""

import io
import json
import sys
from typing import Any, Dict, List, Optional, TextIO, Type

from pydantic.alias_generators import to_camel

from .. import errors
from ..language import _

EXIT_CODES: Dict[Type[Exception], int] = {
    errors.DllLoadError: 3,
    errors.ProtocolError: 4,
    errors.BusinessError: 5,
    errors.ResponseFormatError: 6,
    errors.DllTimeoutError: 7,
    errors.DllCrashError: 7,
}


class InvalidRequest(errors.NationEcError):
    """The request or the command line is invalid: nothing was sent."""

    for_operator = "请求有误，未发送，请联系信息科"


def unwritable(path: str) -> InvalidRequest:
    """Make the error for a file that cannot be written."""
    text = _("cannot write {path}: check the folder and that this user may write there")
    return InvalidRequest(text.format(path=path))


def write(stream: Optional[TextIO], value: Any, ascii_only: bool) -> None:
    """Write ``value`` as JSON: UTF-8 in a pipe or file, else the console's encoding.

    Raises ``OSError`` if the stream is closed or full, and ``ValueError`` for a number
    that cannot be written.
    """
    if stream is None:
        raise OSError("closed")
    # A program that reads a pipe expects UTF-8, whatever code page this Windows has.
    if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
        stream.reconfigure(encoding="utf-8", newline="\n")
    text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, indent=2)
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:  # the console lacks a character
        text = json.dumps(value, indent=2)
    print(text, file=stream, flush=True)


def report(
    error: Optional[errors.NationEcError], warnings: List[str], argv: List[str]
) -> int:
    """Print errors and warnings as JSON or as lines, and return the exit code."""
    facts = {} if error is None else _facts(error)
    if warnings:
        facts["warnings"] = warnings
    if facts and sys.stderr is not None:
        # Not from the parser, which may have failed.
        if "--json-errors" in argv or "--ascii" in argv:
            write(sys.stderr, facts, "--ascii" in argv)
        else:
            for line in filter(None, [*warnings, facts.get("text")]):
                print(f"nationec: {line}", file=sys.stderr)
    return int(facts.get("exitCode", 0))


def _facts(error: errors.NationEcError) -> Dict[str, Any]:
    more = {to_camel(name): fact for name, fact in error.args[1].items()}
    return {
        "error": type(error).__name__,
        "exitCode": EXIT_CODES.get(type(error), 2),
        "text": str(error),
        "forOperator": error.for_operator,
        "outcomeUnknown": error.outcome_unknown,
        **{name: fact for name, fact in more.items() if fact is not None},
    }
