"""How the command answers: JSON for programs, one line for people, and an exit code."""

import json
import os
import sys
from contextlib import suppress
from typing import Any, Dict, List, Optional, TextIO, Type

from pydantic.alias_generators import to_camel

from ..errors import (
    BusinessError,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    NationEcError,
    ProtocolError,
    ResponseFormatError,
    one_line,
)

EXIT_CODES: Dict[Type[Exception], int] = {
    DllLoadError: 3,
    ProtocolError: 4,
    BusinessError: 5,
    ResponseFormatError: 6,
    DllTimeoutError: 7,
    DllCrashError: 7,
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


def write(stream: TextIO, value: Any, *, ascii_only: bool = False) -> None:
    """As JSON: UTF-8 for programs, on a console its own encoding."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2)
    # A program that reads a pipe expects UTF-8, whatever code page this Windows has.
    console = not hasattr(stream, "buffer") or stream.isatty()
    encoding = (console and stream.encoding) or "utf-8"
    try:
        raw = text.encode(encoding)
    except UnicodeEncodeError:  # the console lacks a character
        raw = json.dumps(value, indent=2).encode()
    stream.flush()
    if console:
        stream.write(raw.decode(encoding) + "\n")
    else:
        stream.buffer.write(raw + b"\n")
    stream.flush()


def let_go_of_stdout() -> None:
    """Else Python tries to write once more at its end, and has an exit code of its own for it."""
    with suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(
    error: Optional[Exception], warnings: List[str], *, as_json: bool, ascii_only: bool
) -> int:
    """Say it on stderr, as one piece of JSON or a line for each. Returns the exit code."""
    told: Dict[str, Any] = {"warnings": warnings} if warnings else {}
    if error is not None:
        told = {**_told(error), **told}
    if told and sys.stderr is not None:
        if as_json or ascii_only:
            write(sys.stderr, told, ascii_only=ascii_only)
        else:
            for line in [*warnings, *filter(None, [told.get("text")])]:
                print(f"nationec: {line}", file=sys.stderr)
    return int(told.get("exitCode", 0))


def _told(error: Exception) -> Dict[str, Any]:
    codes = [code for kind, code in EXIT_CODES.items() if isinstance(error, kind)]
    told: Dict[str, Any] = {
        "error": type(error).__name__,
        "exitCode": codes[0] if codes else 2,
        "text": one_line(str(error)),
        # Always Chinese, as the library's own.
        "forOperator": "请求有误，未发送，请联系信息科",
        "outcomeUnknown": False,
    }
    if isinstance(error, NationEcError):
        told["forOperator"] = error.for_operator
        told["outcomeUnknown"] = error.outcome_unknown
        facts = {name: getattr(error, name, None) for name in _FACTS}
        told.update({to_camel(name): fact for name, fact in facts.items() if fact is not None})
    return told
