"""``nationec call``: any transaction, for a script in any language."""

# The options; then what is sent (``message``), the call, in which the DLL always has a
# process of its own, and the answer: to stdout, and what goes wrong to stderr.
#
# The file of --keep is JSON in UTF-8: InData, the return value and OutData as text
# where they can be read, and each of them as its bytes in base64. Windows gives a file
# the rights of its folder.

import json
import os
import stat
import sys
from argparse import Namespace
from base64 import b64encode
from contextlib import suppress
from typing import Any, Dict, List, Optional, TextIO, Type

from ..client import Client
from ..errors import NationEcError, format_error
from ..exchange import Exchange
from ..language import _
from ..models import Request
from ..transactions import TRANSACTIONS
from ..transports.dll import OUT_BUFFER_SIZE
from ..transports.isolated import TIMEOUT
from ..transports.simulator import Simulator
from ..wire import decode
from .message import Message, in_wire_names, made
from .output import Failure, InvalidRequest, report, write
from .parser import Parser, encoding, positive

# Options that are arguments of the client.
_OF_CLIENT = (
    "dll",
    "python",
    "timeout",
    "encoding",
    "response_encoding",
    "out_buffer_size",
)


def add_arguments(parser: Parser, argv: List[str]) -> None:
    """The options, with the fields of the transaction that ``argv`` names."""
    parser.epilog = _(
        "transactions with options for their fields: {names};\n"
        '"nationec call TRANS_TYPE --help" lists them, '
        "any other takes its fields from --json\n\n"
        "stdout: the data of the answer, as JSON in UTF-8\n"
        "exit codes: 0 success; 2 usage or invalid request, nothing was sent; "
        "3 DLL not loaded;\n"
        "4 return value not 0000; 5 refused by the platform; "
        "6 unreadable answer, or stdout did\n"
        "not take it; 7 timeout or crash, the outcome is unknown"
    ).format(names=", ".join(TRANSACTIONS))
    told = _("交易类型; may stand in the message of --json")
    parser.arguments.add_argument(
        "trans_type", metavar="TRANS_TYPE", nargs="?", help=told
    )
    told = _("the fields, or a whole message, as JSON in UTF-8 or GB 18030; - is stdin")
    parser.options.add_argument("--json", metavar="FILE", help=told)
    parser.setting("org_id", "TEXT", "医保定点机构代码", "--orgId")
    told = _("扩展参数 of the head (§4.2.4.1)")
    parser.options.add_argument("--extra", metavar="TEXT", help=told)
    _add_settings(parser)
    _add_simulate(parser.options, argv)
    _add_output(parser.options)
    listed = next((TRANSACTIONS[word] for word in argv if word in TRANSACTIONS), None)
    if listed is not None:
        title = _("fields of {trans_type}").format(trans_type=listed.trans_type)
        _add_fields(parser.add_argument_group(title), listed)


def _add_settings(parser: Parser) -> None:
    parser.setting("url", "URL", "业务请求地址")
    parser.setting("dll", "PATH", _("the DLL, else it is looked for"))
    parser.setting("python", "COMMAND", _("another Python to run the DLL in"))
    told = _("deadline, 60 s unless given")
    parser.setting("timeout", "SECONDS", told, type=positive, default=TIMEOUT)
    told = _("the DLL's encoding, gb18030 unless given")
    parser.setting("encoding", "NAME", told, type=encoding, default="gb18030")
    told = _("that of its answers, the same unless given")
    parser.setting("response_encoding", "NAME", told, type=encoding)
    told = _("room for an answer, 65536 bytes unless given")
    parser.setting(
        "out_buffer_size", "BYTES", told, type=positive, default=OUT_BUFFER_SIZE
    )


def _add_simulate(group: Any, argv: List[str]) -> None:
    # Not where a real window is asked for: a variable that was left behind would hand
    # it the example patient.
    options = {word.partition("=")[0] for word in argv}
    real = options & {"--url", "--dll"}
    left_on = os.environ.get("NATIONEC_SIMULATE") == "1" and not real
    told = _(
        "no DLL and no network: the standard's example patient "
        "(NATIONEC_SIMULATE=1, without --url and --dll)"
    )
    group.add_argument("--simulate", action="store_true", default=left_on, help=told)


def _add_output(group: Any) -> None:
    told = _("print code, message, extra and outBizNo too")
    group.add_argument("--envelope", action="store_true", help=told)
    told = _("errors on stderr as JSON in UTF-8")
    group.add_argument("--json-errors", action="store_true", help=told)
    told = _("stdout and stderr as JSON in ASCII, with \\u escapes")
    group.add_argument("--ascii", action="store_true", help=told)
    told = _(
        "write InData, return value and OutData, whether it fails or not, to a file "
        "that only this user can read: JSON, each as text and as base64"
    )
    group.add_argument("--keep", metavar="FILE", help=told)


def _add_fields(group: Any, listed: Type[Request[Any]]) -> None:
    for name, field in listed.model_fields.items():
        if name == "org_id":
            continue
        told = str(field.description).partition("\n")[0]
        if name == "photo_data":
            told += "；" + _("@FILE is an image")
        elif field.is_required():
            told += "；" + _("must be given")
        group.add_argument(
            *dict.fromkeys((f"--{name.replace('_', '-')}", f"--{field.alias}")),
            dest=f"field_{name}",
            metavar="TEXT",
            help=told,
        )


def run(arguments: Namespace) -> int:
    """Carry out the transaction, and tell of it."""
    warnings: List[str] = []
    error: Optional[Failure] = None
    try:
        message = made(arguments)
        warnings += message.warnings
        _print(_exchanged(message, arguments, warnings), arguments)
    except (NationEcError, InvalidRequest) as caught:
        error = caught
    except ValueError as caught:  # of the client
        error = InvalidRequest(in_wire_names(str(caught)))
    as_json, ascii_only = arguments.json_errors, arguments.ascii
    return report(error, warnings, as_json=as_json, ascii_only=ascii_only)


def _exchanged(
    message: Message, arguments: Namespace, warnings: List[str]
) -> Exchange[Any]:
    if not arguments.simulate and not (arguments.url and message.org_id):
        text = _(
            "give --url and --org-id, or NATIONEC_URL and NATIONEC_ORG_ID, "
            "or --simulate"
        )
        raise InvalidRequest(text)
    settings: Dict[str, Any] = {name: getattr(arguments, name) for name in _OF_CLIENT}
    settings["out_buffer_size"] = int(arguments.out_buffer_size)
    if arguments.simulate:
        simulator = Simulator(timeout=arguments.timeout)
        settings = {"transport": simulator, "encoding": "gb18030"}
    done: List[Exchange[Any]] = []
    with Client(
        arguments.url or "http://simulator",
        message.org_id or "35020319001",
        data_format=message.data_format,
        on_exchange=done.append,
        **settings,
    ) as client:
        file = _opened(arguments.keep) if arguments.keep else None
        try:
            return client.exchange(message.request, extra=message.extra)
        finally:
            if file is not None:
                sent_as = settings["encoding"]
                received_as = settings.get("response_encoding") or sent_as
                warnings += _keep(file, done, sent_as, received_as)


def _opened(path: str) -> TextIO:
    """The file of --keep, overwritten, for this user only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # One that was there keeps its rights; /dev/null is to keep them.
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise InvalidRequest(f"--keep: {path}: {error.strerror}") from None
    return open(descriptor, "w", encoding="utf-8", newline="\n")


def _keep(
    file: TextIO, done: List[Exchange[Any]], sent_as: str, received_as: str
) -> List[str]:
    """Write what was ``done``, with its two encodings. Returns the warnings."""
    try:
        with file:
            # None, where it could not be written as InData.
            for exchange in done:
                told = {
                    "transType": exchange.trans_type,
                    "outBizNo": exchange.out_biz_no,
                    "startedAt": exchange.started_at.isoformat(),
                    "elapsedMs": round(exchange.elapsed * 1000, 1),
                    "error": type(exchange.error).__name__ if exchange.error else None,
                    **_both("inData", exchange.sent, sent_as),
                    **_both("returnValue", exchange.return_value, received_as),
                    **_both("outData", exchange.received, received_as),
                }
                json.dump(told, file, ensure_ascii=False, indent=2)
    except OSError as error:
        text = _("--keep: not all of it was written ({detail}): see that there is room")
        return [text.format(detail=error.strerror)]
    return []


def _both(name: str, raw: Optional[bytes], encoding: str) -> Dict[str, Optional[str]]:
    if raw is None:
        return {name: None, f"{name}Base64": None}
    return {name: decode(raw, encoding), f"{name}Base64": b64encode(raw).decode()}


def _print(exchange: Exchange[Any], arguments: Namespace) -> None:
    answer = _on_the_wire(exchange.data)
    if arguments.envelope and exchange.envelope:
        answer = {
            "transType": exchange.trans_type,
            "outBizNo": exchange.out_biz_no,
            "code": exchange.envelope.code,
            "message": exchange.envelope.message,
            "orgId": exchange.envelope.org_id,
            "extra": exchange.envelope.extra,
            "data": answer,
        }
    try:
        write(sys.stdout, answer, ascii_only=arguments.ascii)
    except (OSError, AttributeError) as error:  # full or closed; None
        # Else Python writes once more at its end, with an exit code of its own.
        with suppress(OSError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        text = _("stdout did not take it ({kind}): see that it has a reader and room")
        lost = format_error(text.format(kind=type(error).__name__))
        lost.about(exchange)
        raise lost from None


def _on_the_wire(data: Any) -> Dict[str, Any]:
    """Under the wire's names. Not by ``model_dump``, which stops at 200 levels."""
    fields = type(data).model_fields
    named = {fields[name].alias or name: data.__dict__[name] for name in fields}
    return {**named, **(data.model_extra or {})}
