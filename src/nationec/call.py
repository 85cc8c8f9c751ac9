"""``nationec call``: a transaction from a script in any language. Its options are the models' fields."""

import argparse
import codecs
import json
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Dict, List, Optional, TextIO, Tuple, Type

from pydantic import ValidationError

from .client import Client
from .errors import (
    BusinessError,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    NationEcError,
    ProtocolError,
    ResponseFormatError,
)
from .transactions import REQUESTS, Request, Response
from .transports import DllTransport, IsolatedDll, Simulator, Transport, binding

EXIT_CODES: Dict[Type[Exception], int] = {
    DllLoadError: 3,
    ImportError: 3,  # no execnet
    ProtocolError: 4,
    BusinessError: 5,
    ResponseFormatError: 6,
    DllTimeoutError: 7,
    DllCrashError: 7,
}
EPILOG = """
transactions: %(transactions)s; "nationec call TRANS_TYPE --help" lists the fields of one

stdout: the data of the answer, as JSON in UTF-8
exit codes: 0 success, 2 usage or invalid request (nothing was sent), 3 DLL not loaded, 4 return value not 0000,
5 refused by the platform, 6 unreadable answer, or one that stdout did not take, 7 timeout or crash (outcome unknown)
"""
_JSON_FIELDS = ("ext_data", "extra")


class InvalidRequest(Exception):
    """The request, or the command line: nothing was sent. ``args`` are the texts, one for each field that is wrong."""


def add_arguments(parser: argparse.ArgumentParser, argv: List[str]) -> None:
    """The options, with the fields of the transaction that ``argv`` names."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG % {"transactions": ", ".join(REQUESTS)}
    parser.add_argument("trans_type", metavar="TRANS_TYPE", nargs="?", help="交易类型; may be in the message of --json")
    parser.add_argument("--json", metavar="FILE", help="the fields, or a whole message, as JSON in UTF-8; - is stdin")
    parser.add_argument("--url", default=_env("url"), help="业务请求地址 (NATIONEC_URL)")
    parser.add_argument("--org-id", "--orgId", default=_env("org_id"), help="医保定点机构代码 (NATIONEC_ORG_ID)")
    parser.add_argument(
        "--dll", metavar="PATH", default=_env("dll"), help="the DLL, else it is looked for (NATIONEC_DLL)"
    )
    parser.add_argument(
        "--python",
        metavar="COMMAND",
        default=_env("python"),
        help="another interpreter to run the DLL in (NATIONEC_PYTHON)",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=_env("timeout"),
        help="deadline, 60 s unless given (NATIONEC_TIMEOUT). For it, and for a DLL that crashes, the DLL runs in a "
        "process of its own; without nationec[isolated] it runs in this one: no deadline, and a crash is any exit code",
    )
    parser.add_argument(
        "--simulate",
        action="store_true",
        # Not where a real window is asked for: a variable that was left behind would hand it the example patient.
        default=_env("simulate") == "1" and not {"--url", "--dll"} & {word.partition("=")[0] for word in argv},
        help="no DLL and no network: the standard's example patient (NATIONEC_SIMULATE=1, without --url and --dll)",
    )
    parser.add_argument("--envelope", action="store_true", help="print code, message, extra and outBizNo too")
    parser.add_argument("--json-errors", action="store_true", help="errors on stderr as JSON in UTF-8")
    request_type = next((REQUESTS[word] for word in argv if word in REQUESTS), None)
    if request_type is None:
        return
    fields = parser.add_argument_group(f"fields of {request_type.trans_type}")
    for name, field in request_type.model_fields.items():
        if name == "org_id":
            continue
        spellings = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{field.alias}"))
        told = [field.title, field.description, "必填" if field.is_required() and name != "photo_data" else None]
        if name == "photo_data":
            told.append("@FILE 表示图片文件")
        text = "；".join(filter(None, told)).replace("%", "%%")
        fields.add_argument(*spellings, dest=f"field_{name}", metavar="TEXT", help=text)


def run(arguments: argparse.Namespace) -> int:
    error: Exception
    try:
        request, org_id = _request(arguments)
        if not (arguments.simulate or (arguments.url and org_id)):
            raise InvalidRequest("give --url and --org-id, or NATIONEC_URL and NATIONEC_ORG_ID, or --simulate")
        if arguments.timeout is not None and not arguments.timeout > 0:
            raise InvalidRequest("--timeout must be more than 0 seconds")
        with Client(
            arguments.url or "http://simulator", org_id or "35020319001", transport=_transport(arguments)
        ) as client:
            exchange = client.exchange(request)
        answer = _on_the_wire(exchange.data)
        envelope = exchange.envelope
        if arguments.envelope and envelope:
            answer = {
                "transType": exchange.trans_type,
                "outBizNo": exchange.out_biz_no,
                "code": envelope.code,
                "message": envelope.message,
                "orgId": envelope.org_id,
                "extra": envelope.extra,
                "data": answer,
            }
        try:
            _write(sys.stdout, answer)
            return 0
        except (OSError, AttributeError) as caught:  # full or closed; None
            if isinstance(caught, OSError):  # else Python tries once more at its end, and has an own exit code for it
                with suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            error = ResponseFormatError(
                f"the transaction took place, and its answer cannot be written ({type(caught).__name__}): "
                "see that stdout has a reader and room"
            )
    except RecursionError:  # how deep is too deep depends on the Python
        error = ResponseFormatError("the answer cannot be written: a field that no table lists is nested too deeply")
    except (NationEcError, ImportError, ValueError, InvalidRequest) as caught:
        error = caught
    return report(error, arguments.json_errors)


def _on_the_wire(data: Optional[Response]) -> Optional[Dict[str, Any]]:
    """Under the wire's names. Not by ``model_dump``, which stops at a nesting of 200."""
    if data is None:
        return None
    fields = type(data).model_fields
    return {**{fields[name].alias or name: value for name, value in data.__dict__.items()}, **(data.model_extra or {})}


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # argparse would repeat the text, which may have been meant for another option
        raise argparse.ArgumentTypeError("give a number of seconds") from None


def report(error: Exception, as_json: bool) -> int:
    """To stderr; gives the exit code."""
    exit_code = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 2)
    if as_json:
        _write(sys.stderr, _told(error, exit_code))
    else:
        print(f"nationec: {_text(error)}", file=sys.stderr)
    return exit_code


def _env(name: str) -> Optional[str]:
    return os.environ.get(f"NATIONEC_{name.upper()}") or None


def _transport(arguments: argparse.Namespace) -> Transport:
    if arguments.simulate:
        return Simulator(timeout=arguments.timeout)
    if arguments.python or arguments.timeout or find_spec("execnet"):
        path, timeout = arguments.dll or binding.DLL_NAME, arguments.timeout or 60.0
        return IsolatedDll(path, python=arguments.python, timeout=timeout)
    return DllTransport(arguments.dll)


def _request(arguments: argparse.Namespace) -> Tuple[Request[Any], Optional[str]]:
    """The request, and the organisation."""
    message = _read(arguments.json) if arguments.json else {}
    trans_type, org_id = arguments.trans_type, arguments.org_id
    if "data" in message:  # a whole message
        trans_type, org_id = trans_type or message.get("transType"), org_id or message.get("orgId")
        fields = message["data"]
        if isinstance(fields, str):
            fields = _parsed(fields, "data")
        if not isinstance(fields, dict):
            raise InvalidRequest("data: it must be an object")
        if "extra" in message:
            fields = {**fields, "extra": message["extra"]}
    else:
        fields = message
    request_type = REQUESTS.get(str(trans_type))
    if request_type is None:
        raise InvalidRequest(f"TRANS_TYPE must be one of {', '.join(REQUESTS)}")
    aliases = {field.alias: name for name, field in request_type.model_fields.items()}
    fields = {aliases.get(name, name): value for name, value in fields.items()}
    for name in request_type.model_fields:
        value = getattr(arguments, f"field_{name}", None)
        if value is not None:
            fields[name] = _value(name, value)
    if "photo_data" in request_type.model_fields:
        fields.setdefault("photo_data", None)  # which AuthCheckRequest wants said
    try:
        return request_type(**fields), org_id
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    faults.sort(key=lambda fault: fault["type"] == "enum")  # a code may also be one that is not listed
    titles = {name: field.title for name, field in request_type.model_fields.items()}
    told: Dict[str, str] = {}
    for fault in faults:
        name = str(*fault["loc"][:1])
        where = request_type.model_fields[name].alias if name in titles else name
        told.setdefault(f"{where} ({titles[name]})" if titles.get(name) else where or "", fault["msg"])
    raise InvalidRequest(
        "nothing was sent, the request is invalid",
        *(f"{name}: {text}" if name else text for name, text in told.items()),
    )


def _value(name: str, text: str) -> Any:
    if name == "photo_data" and text.startswith("@"):
        try:
            with open(text[1:], "rb") as file:
                return file.read()
        except OSError as error:
            raise InvalidRequest(f"--photo-data: {text[1:]}: {error.strerror}") from None
    if name in _JSON_FIELDS and text.lstrip().startswith("{"):
        return _parsed(text, name)
    return text


def _read(path: str) -> Dict[str, Any]:
    try:
        if path == "-":
            raw = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                raw = file.read()
        message = _parsed(raw.decode("utf-8-sig"), "--json")
    except OSError as error:
        raise InvalidRequest(f"--json: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidRequest("--json: it is not UTF-8") from None
    if not isinstance(message, dict):
        raise InvalidRequest("--json: it must be an object, of the fields or of a whole message")
    return message


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # whose text may hold a piece of it
        raise InvalidRequest(f"{what}: it is not JSON") from None


def _text(error: Exception) -> str:
    text = "; ".join(error.args) if isinstance(error, InvalidRequest) else str(error)
    return " ".join(text.split())


def _told(error: Exception, exit_code: int) -> Dict[str, Any]:
    told: Dict[str, Any] = {"error": type(error).__name__, "exitCode": exit_code, "text": _text(error)}
    names = {
        "trans_type": "transType",
        "out_biz_no": "outBizNo",
        "code": "code",
        "message": "message",
        "return_value": "returnValue",
        "out_data": "outData",
        "reason": "reason",
        "missing": "missing",
        "unreadable": "unreadable",
    }
    for name, wire in names.items():
        value = getattr(error, name, None)
        if value is not None and not (name == "reason" and isinstance(error, UnicodeError)):
            told[wire] = value
    return told


def _write(stream: TextIO, value: Any) -> None:
    """As UTF-8 for programs; on a console in its own encoding. With JSON's escapes for what that lacks."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    console = not hasattr(stream, "buffer") or stream.isatty()
    encoding = (console and stream.encoding) or "utf-8"
    raw = text.encode(encoding, "nationec.json") + b"\n"
    if console:
        stream.write(raw.decode(encoding))
    else:
        stream.flush()
        stream.buffer.write(raw)
    stream.flush()


def _escaped(error: UnicodeError) -> Tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - nothing is decoded with it
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error("nationec.json", _escaped)
