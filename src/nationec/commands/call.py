"""``nationec call``: any transaction, for a script in any language."""

# ``message.py`` reads the request. The DLL is always called in a separate process. The
# answer goes to stdout, errors go to stderr.
#
# The file of --keep is JSON in UTF-8: InData, the return value and OutData as text, or
# as base64 if they are not valid in the DLL's encoding. On Windows the file has the
# access rights of its folder.

import json
import logging
import sys
from argparse import Namespace
from base64 import b64encode
from pathlib import Path
from typing import Any, Dict, List, Optional, TextIO

from ..client import Client
from ..doubts import request_log
from ..errors import ResponseFormatError, crash_error
from ..exchange import Exchange
from ..language import _
from ..models import Request
from ..transports.isolated import IsolatedDll
from ..transports.simulator import Simulator
from ..wire import Wire, decode
from .message import read_message
from .output import InvalidRequest, unwritable, write


def run(arguments: Namespace) -> None:
    """Carry out the transaction, and print the answer."""

    def collect(record: logging.LogRecord) -> bool:
        arguments.messages.append(record.getMessage())
        return True

    request_log.addFilter(collect)
    try:
        exchange = _exchange(read_message(arguments), arguments)
    except ValueError as error:  # from the client, which has sent nothing
        raise InvalidRequest(str(error)) from None
    finally:
        request_log.removeFilter(collect)
    _print(exchange, arguments)


def _exchange(request: Request[Any], arguments: Namespace) -> Exchange[Any]:
    done: List[Exchange[Any]] = []
    with _client(arguments, on_exchange=done.append) as client:
        if isinstance(client.transport, IsolatedDll):
            client.transport.start()  # a Ctrl-C before this sends nothing
        file = _opened(arguments.keep) if arguments.keep else None
        try:
            return client.exchange(request, extra=arguments.extra)
        except KeyboardInterrupt:
            if not done:
                raise
            done[0].error = cancelled = crash_error("cancelled")
            cancelled.attach(done[0])
            raise cancelled from None
        finally:
            if file is not None:
                arguments.messages += _kept(file, done, client.wire)


def _client(arguments: Namespace, **settings: Any) -> Client:
    url, org_id = arguments.url, arguments.org_id
    settings["data_format"] = arguments.data_format
    if arguments.simulate:
        url, org_id = url or "http://simulator", org_id or "1"
        return Client(url, org_id, transport=Simulator(), **settings)
    if not (url and org_id):
        text = _(
            "give --url and --org-id, or NATIONEC_URL and NATIONEC_ORG_ID, "
            "or --simulate"
        )
        raise InvalidRequest(text)
    names = "dll", "python", "timeout", "encoding", "response_encoding"
    settings.update({name: getattr(arguments, name) for name in names})
    size = int(arguments.out_buffer_size)
    return Client(url, org_id, out_buffer_size=size, **settings)


def _opened(path: str) -> TextIO:
    """Open the file of --keep for this user only. Its content is overwritten."""
    file = Path(path)
    try:
        file.touch(0o600)
        if file.is_file():  # not /dev/null
            file.chmod(0o600)
        return file.open("w", encoding="utf-8", newline="\n")
    except OSError:
        raise unwritable(path) from None


def _kept(file: TextIO, done: List[Exchange[Any]], wire: Wire) -> List[str]:
    """Write the exchange if there is one, and return a warning if that fails."""
    answered_in = wire.response_encoding
    try:
        with file:
            for exchange in done:
                facts = {
                    "transType": exchange.trans_type,
                    "outBizNo": exchange.out_biz_no,
                    "startedAt": exchange.started_at.isoformat(),
                    "elapsedMs": round(exchange.elapsed * 1000, 1),
                    "error": type(exchange.error).__name__ if exchange.error else None,
                    **_readable("inData", exchange.sent, wire.encoding),
                    **_readable("returnValue", exchange.return_value, answered_in),
                    **_readable("outData", exchange.received, answered_in),
                }
                json.dump(facts, file, ensure_ascii=False, indent=2)
    except OSError:
        return [_("--keep: not all of it was written: check that there is room")]
    return []


def _readable(name: str, raw: Optional[bytes], encoding: str) -> Dict[str, Any]:
    text = None if raw is None else decode(raw, encoding)
    if raw is None or text is not None:
        return {name: text}
    return {f"{name}Base64": b64encode(raw).decode()}


def _print(exchange: Exchange[Any], arguments: Namespace) -> None:
    output = _on_the_wire(exchange.data)
    if arguments.envelope and exchange.envelope:
        output = {
            "transType": exchange.trans_type,
            "outBizNo": exchange.out_biz_no,
            "code": exchange.envelope.code,
            "message": exchange.envelope.message,
            "orgId": exchange.envelope.org_id,
            "extra": exchange.envelope.extra,
            "data": output,
        }
    try:
        write(sys.stdout, output, arguments.ascii)
    except (OSError, ValueError, KeyboardInterrupt) as error:
        # ValueError: a number of 5,000 digits, or one that JSON does not have.
        text = _("stdout did not take the answer ({kind}): check its reader and room")
        lost = ResponseFormatError(text.format(kind=type(error).__name__))
        lost.attach(exchange)
        raise lost from None


def _on_the_wire(data: Any) -> Dict[str, Any]:
    """Return the fields by wire name. ``model_dump`` fails for 200 levels."""
    names = {name: info.alias for name, info in type(data).model_fields.items()}
    return {names.get(name) or name: value for name, value in data}
