"""``nationec call --keep FILE``: all of a call, in a file that only its user can read."""

# JSON in UTF-8: InData, the return value and OutData as text where they can be read, and each
# of them as its bytes in base64. A file that exists is overwritten. Windows gives a file the
# rights of its folder: use one of the user's own.

import json
import os
import stat
from base64 import b64encode
from typing import Any, Dict, List, Optional, TextIO

from ..exchange import Exchange
from ..language import _
from ..wire import decoded
from .output import InvalidRequest


def opened(path: str) -> TextIO:
    """The file, which is to be there before anything is sent. Raises ``InvalidRequest``."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # One that was there keeps its rights; /dev/null is to keep them.
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise InvalidRequest(f"--keep: {path}: {error.strerror}") from None
    return open(descriptor, "w", encoding="utf-8", newline="\n")


def write(file: TextIO, done: List[Exchange[Any]], sent_as: str, received_as: str) -> List[str]:
    """Write what was ``done``, with its two encodings. Returns the warnings."""
    try:
        with file:
            for exchange in done:  # none, where it could not be written as InData
                told = _told(exchange, sent_as, received_as)
                json.dump(told, file, ensure_ascii=False, indent=2)
    except OSError as error:
        text = _("--keep: not all of it was written ({detail}): see that there is room")
        return [text.format(detail=error.strerror)]
    return []


def _told(exchange: Exchange[Any], sent_as: str, received_as: str) -> Dict[str, Any]:
    return {
        "transType": exchange.trans_type,
        "outBizNo": exchange.out_biz_no,
        "startedAt": exchange.started_at.isoformat(),
        "elapsedMs": round(exchange.elapsed * 1000, 1),
        "error": type(exchange.error).__name__ if exchange.error else None,
        **_both("inData", exchange.sent, sent_as),
        **_both("returnValue", exchange.return_value, received_as),
        **_both("outData", exchange.received, received_as),
    }


def _both(name: str, raw: Optional[bytes], encoding: str) -> Dict[str, Optional[str]]:
    if raw is None:
        return {name: None, f"{name}Base64": None}
    return {name: decoded(raw, encoding), f"{name}Base64": b64encode(raw).decode()}
