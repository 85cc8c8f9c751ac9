"""How the command answers: JSON for programs, one line for people, and an exit code."""

import json
import sys
from typing import Any, Dict, List, Optional, TextIO, Type, Union

from pydantic.alias_generators import to_camel

from .. import errors
from ..language import one_line

EXIT_CODES: Dict[Type[Exception], int] = {
    errors.DllLoadError: 3,
    errors.ProtocolError: 4,
    errors.BusinessError: 5,
    errors.ResponseFormatError: 6,
    errors.DllTimeoutError: 7,
    errors.DllCrashError: 7,
}
_FACTS = (
    "trans_type",
    "out_biz_no",
    "code",
    "message",
    "return_value",
    "out_data",
    "reason",
    "missing",
    "unreadable",
)


class InvalidRequest(Exception):
    """The request or the command line is wrong in itself: nothing was sent."""

    # As of the library's own errors; always Chinese, as theirs.
    for_operator = "请求有误，未发送，请联系信息科"
    outcome_unknown = False


Failure = Union[errors.NationEcError, InvalidRequest]


def write(stream: TextIO, value: Any, *, ascii_only: bool = False) -> None:
    """As JSON: UTF-8 for programs, on a console its own encoding."""
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


def report(
    error: Optional[Failure], warnings: List[str], *, as_json: bool, ascii_only: bool
) -> int:
    """Say it on stderr, as one piece of JSON or in lines. Returns the exit code."""
    told = {} if error is None else _told(error)
    if warnings:
        told["warnings"] = warnings
    lines = warnings if error is None else [*warnings, told["text"]]
    if lines and sys.stderr is not None:
        if as_json or ascii_only:
            write(sys.stderr, told, ascii_only=ascii_only)
        else:
            for line in lines:
                print(f"nationec: {line}", file=sys.stderr)
    return int(told.get("exitCode", 0))


def _told(error: Failure) -> Dict[str, Any]:
    facts = {name: getattr(error, name, None) for name in _FACTS}
    return {
        "error": type(error).__name__,
        "exitCode": EXIT_CODES.get(type(error), 2),
        "text": one_line(str(error)),
        "forOperator": error.for_operator,
        "outcomeUnknown": error.outcome_unknown,
        **{to_camel(name): fact for name, fact in facts.items() if fact is not None},
    }
