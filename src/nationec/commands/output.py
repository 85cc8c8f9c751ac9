"""The output of the command: JSON for programs, lines for people, an exit code."""

import json
import os
import sys
from contextlib import suppress
from typing import Any, Dict, List, Optional, TextIO, Type, Union

from pydantic.alias_generators import to_camel

from .. import errors
from ..language import _, one_line

EXIT_CODES: Dict[Type[Exception], int] = {
    errors.DllLoadError: 3,
    errors.ProtocolError: 4,
    errors.BusinessError: 5,
    errors.ResponseFormatError: 6,
    errors.DllTimeoutError: 7,
    errors.DllCrashError: 7,
}


class InvalidRequest(Exception):
    """The request or the command line is invalid: nothing was sent."""

    # The same attributes as in NationEcError; the sentence is always Chinese.
    for_operator = "请求有误，未发送，请联系信息科"
    outcome_unknown = False


Failure = Union[errors.NationEcError, InvalidRequest]


def unwritable(path: str) -> InvalidRequest:
    """Make the error for a file that cannot be written."""
    text = _("cannot write {path}: check the folder and that this user may write there")
    return InvalidRequest(text.format(path=path))


def write(stream: Optional[TextIO], value: Any, *, ascii_only: bool = False) -> None:
    """Write ``value`` as JSON: UTF-8 in a pipe or file, else the console's encoding.

    Raises ``OSError`` if the stream is closed or full.
    """
    if stream is None:
        raise OSError("closed")
    # A program that reads a pipe expects UTF-8, whatever code page this Windows has.
    console = not hasattr(stream, "buffer") or stream.isatty()
    encoding = (console and stream.encoding) or "utf-8"
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # the console lacks a character
        text = json.dumps(value, indent=2)
    stream.flush()
    if console:
        stream.write(text + "\n")
    else:
        stream.buffer.write(text.encode() + b"\n")
    stream.flush()


def discard_stdout() -> None:
    """Replace stdout by the null device, so that the flush at exit does not fail."""
    with suppress(OSError, AttributeError):  # AttributeError: there is no stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(
    error: Optional[Failure], warnings: List[str], *, as_json: bool, ascii_only: bool
) -> int:
    """Print errors and warnings as JSON or as lines, and return the exit code."""
    facts = {} if error is None else _facts(error)
    if warnings:
        facts["warnings"] = warnings
    lines = warnings if error is None else [*warnings, facts["text"]]
    if lines and sys.stderr is not None:
        if as_json or ascii_only:
            write(sys.stderr, facts, ascii_only=ascii_only)
        else:
            for line in lines:
                print(f"nationec: {line}", file=sys.stderr)
    return int(facts.get("exitCode", 0))


def _facts(error: Failure) -> Dict[str, Any]:
    facts = error.args[1] if isinstance(error, errors.NationEcError) else {}
    return {
        "error": type(error).__name__,
        "exitCode": EXIT_CODES.get(type(error), 2),
        "text": one_line(str(error)),
        "forOperator": error.for_operator,
        "outcomeUnknown": error.outcome_unknown,
        **{to_camel(name): fact for name, fact in facts.items() if fact is not None},
    }
