"""``nationec call``: any transaction, for a script in any language."""

# The options; then what is sent (``message``), the call, in which the DLL always has a process
# of its own, and what it answers: to stdout, and what goes wrong to stderr (``output``).

import os
import sys
from argparse import Namespace
from typing import Any, Dict, List, Optional, TextIO, Tuple, Type

from ..client import Client
from ..errors import NationEcError, format_error
from ..exchange import Exchange
from ..language import _
from ..models import Request, Response
from ..terminal import REQUESTS
from ..transports.base import Transport
from ..transports.binding import DLL_NAME
from ..transports.dll import OUT_BUFFER_SIZE
from ..transports.isolated import TIMEOUT, IsolatedDll
from ..transports.simulator import Simulator
from . import keep
from .message import Message, in_wire_names, made
from .output import InvalidRequest, let_go_of_stdout, report, write
from .parser import Parser, encoding, positive, setting


def add_arguments(parser: Parser, argv: List[str]) -> None:
    """The options, with the fields of the transaction that ``argv`` names."""
    parser.epilog = _(
        "transactions with options for their fields: {names};\n"
        '"nationec call TRANS_TYPE --help" lists them, any other takes its fields from --json\n\n'
        "stdout: the data of the answer, as JSON in UTF-8\n"
        "exit codes: 0 success; 2 usage or invalid request, nothing was sent; 3 DLL not loaded;\n"
        "4 return value not 0000; 5 refused by the platform; 6 unreadable answer, or stdout did\n"
        "not take it; 7 timeout or crash, the outcome is unknown"
    ).format(names=", ".join(REQUESTS))
    told = _("交易类型; may stand in the message of --json")
    parser.arguments.add_argument("trans_type", metavar="TRANS_TYPE", nargs="?", help=told)
    _add_head(parser.options)
    _add_settings(parser.options, argv)
    _add_output(parser.options)
    listed = next((REQUESTS[word] for word in argv if word in REQUESTS), None)
    if listed is not None:
        title = _("fields of {trans_type}").format(trans_type=listed.trans_type)
        _add_fields(parser.add_argument_group(title), listed)


def _add_head(group: Any) -> None:
    told = _("the fields, or a whole message, as JSON in UTF-8 or GB 18030; - is stdin")
    group.add_argument("--json", metavar="FILE", help=told)
    setting(group, "org_id", "医保定点机构代码", "--orgId", metavar="TEXT")
    told = _("扩展参数 of the head (§4.2.4.1)")
    group.add_argument("--extra", metavar="TEXT", help=told)


def _add_settings(group: Any, argv: List[str]) -> None:
    setting(group, "url", "业务请求地址", metavar="URL")
    setting(group, "dll", _("the DLL, else it is looked for"), metavar="PATH")
    setting(group, "python", _("another Python to run the DLL in"), metavar="COMMAND")
    told = _("deadline, 60 s unless given")
    setting(group, "timeout", told, metavar="SECONDS", type=positive)
    told = _("the DLL's encoding, gb18030 unless given")
    setting(group, "encoding", told, metavar="NAME", type=encoding)
    told = _("that of its answers, the same unless given")
    setting(group, "response_encoding", told, metavar="NAME", type=encoding)
    told = _("room for an answer, 65536 bytes unless given")
    setting(group, "out_buffer_size", told, metavar="BYTES", type=positive)
    # Not where a real window is asked for: a variable that was left behind would hand it the
    # example patient.
    real = {"--url", "--dll"}.intersection(word.partition("=")[0] for word in argv)
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
        "write InData, return value and OutData, whether it fails or not, to a file that only "
        "this user can read: JSON, each as text and as base64"
    )
    group.add_argument("--keep", metavar="FILE", help=told)


def _add_fields(group: Any, listed: Type[Request[Any]]) -> None:
    for name, field in listed.model_fields.items():
        if name == "org_id":
            continue
        told = [(field.description or "").partition("\n")[0]]
        if name == "photo_data":
            told.append(_("@FILE is an image"))
        elif field.is_required():
            told.append(_("must be given"))
        group.add_argument(
            *dict.fromkeys((f"--{name.replace('_', '-')}", f"--{field.alias}")),
            dest=f"field_{name}",
            metavar="TEXT",
            help="；".join(filter(None, told)).replace("%", "%%"),
        )


def run(arguments: Namespace) -> int:
    """Carry out the transaction, and tell of it."""
    warnings: List[str] = []
    error: Optional[Exception] = None
    try:
        message = made(arguments)
        warnings += message.warnings
        _print(_exchanged(message, arguments, warnings), arguments)
    except (NationEcError, InvalidRequest) as caught:
        error = caught
    except ValueError as caught:  # of the client
        error = InvalidRequest(in_wire_names(str(caught)))
    return report(error, warnings, as_json=arguments.json_errors, ascii_only=arguments.ascii)


def _exchanged(message: Message, arguments: Namespace, warnings: List[str]) -> Exchange[Any]:
    if not arguments.simulate and not (arguments.url and message.org_id):
        text = _("give --url and --org-id, or NATIONEC_URL and NATIONEC_ORG_ID, or --simulate")
        raise InvalidRequest(text)
    sent_as, received_as = _encodings(arguments)
    done: List[Exchange[Any]] = []
    with Client(
        arguments.url or "http://simulator",
        message.org_id or "35020319001",
        transport=_transport(arguments),
        encoding=sent_as,
        response_encoding=received_as,
        data_format=message.data_format,
        on_exchange=done.append,
    ) as client:
        file = _kept(arguments.keep)
        try:
            return client.exchange(message.request, extra=message.extra)
        finally:
            if file is not None:
                _keep(file, done, arguments, warnings)


def _transport(arguments: Namespace) -> Transport:
    if arguments.simulate:
        return Simulator(timeout=arguments.timeout)
    return IsolatedDll(
        arguments.dll or DLL_NAME,
        python=arguments.python,
        timeout=arguments.timeout or TIMEOUT,
        out_buffer_size=int(arguments.out_buffer_size or OUT_BUFFER_SIZE),
    )


def _encodings(arguments: Namespace) -> Tuple[str, str]:
    """That of what is sent, and that of what is received."""
    if arguments.simulate:
        return "gb18030", "gb18030"
    sent_as = arguments.encoding or "gb18030"
    return sent_as, arguments.response_encoding or sent_as


def _kept(path: Optional[str]) -> Optional[TextIO]:
    try:
        return keep.opened(path) if path else None
    except OSError as error:
        raise InvalidRequest(f"--keep: {path}: {error.strerror}") from None


def _keep(
    file: TextIO, done: List[Exchange[Any]], arguments: Namespace, warnings: List[str]
) -> None:
    try:
        with file:
            for exchange in done:  # none, where it could not be written as InData
                keep.write(file, exchange, *_encodings(arguments))
    except OSError as error:
        text = _("--keep: not all of it was written ({detail}): see that there is room")
        warnings.append(text.format(detail=error.strerror))


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
        let_go_of_stdout()
        kind = type(error).__name__
    else:
        return
    text = _("stdout did not take it ({kind}): see that it has a reader and room")
    lost = format_error(text.format(kind=kind))
    lost.about(exchange)
    raise lost


def _on_the_wire(data: Optional[Response]) -> Optional[Dict[str, Any]]:
    """Under the wire's names. Not by ``model_dump``, which stops at a nesting of 200."""
    if data is None:
        return None
    fields = type(data).model_fields
    named = {fields[name].alias or name: value for name, value in data.__dict__.items()}
    return {**named, **(data.model_extra or {})}
