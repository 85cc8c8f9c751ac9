"""What ``nationec call`` sends: the message of ``--json``, completed by the options."""

# All of it goes out where it stood; nothing is replaced or lost silently. A field that
# no table lists is passed on, those that are listed are checked.

import re
import sys
from argparse import Namespace
from difflib import get_close_matches
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type

from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ..codes import with_leading_zero
from ..json_text import TooDeepError, parse_strictly, unwrap
from ..language import _
from ..models import AnyRequest, Request
from ..transactions import TRANSACTIONS
from ..wire import Extra, decode
from .output import InvalidRequest

_HEAD = {"orgId", "transType", "data", "extra"}


class Message(NamedTuple):
    """The request, checked, and its head."""

    request: Request[Any]
    org_id: Optional[str]
    extra: Extra
    data_format: str
    """As text goes out what came as text."""
    warnings: List[str]
    """What is sent as it is, and may be a slip."""


def made(arguments: Namespace) -> Message:
    """The message of ``nationec call``. Raises ``InvalidRequest``."""
    given = _given(arguments.json)
    data = unwrap(given["data"])
    if not isinstance(data, dict):
        raise InvalidRequest(_("--json: data must be an object"))
    data = {name: value for name, value in data.items() if value is not None}
    twice = _("orgId is not the same in --org-id (NATIONEC_ORG_ID), the head and data")
    of_data = [data.pop(name, None) for name in ("orgId", "org_id")]
    org_id = _agreed(twice, arguments.org_id, given.get("orgId"), *of_data)
    request, warnings = _request(_trans_type(given, arguments), data, arguments)
    extra = given.get("extra")
    if arguments.extra is not None:
        extra = _object_or_text("--extra", arguments.extra)
    # An object in extra would become text with it.
    as_text = isinstance(given["data"], str) and not isinstance(extra, dict)
    return Message(request, org_id, extra, "string" if as_text else "object", warnings)


def _given(path: Optional[str]) -> Dict[str, Any]:
    """The whole message of ``--json``; without one, a message without data."""
    given = _parsed("--json", _text(_contents("--json", path))) if path else {}
    if not isinstance(given, dict):
        raise InvalidRequest(_("--json: give an object, the fields or a whole message"))
    if not {"data", "transType"}.intersection(given):  # the fields alone
        return {"data": given}
    if not _HEAD.issuperset(given) or "data" not in given:
        text = _("--json: a message has orgId, transType, data and extra, no more")
        raise InvalidRequest(text)
    return given


def _trans_type(given: Dict[str, Any], arguments: Namespace) -> Any:
    twice = _("transType is not the same in TRANS_TYPE and --json")
    trans_type = _agreed(twice, arguments.trans_type, given.get("transType"))
    if not trans_type or not (arguments.json or trans_type in TRANSACTIONS):
        text = _("give TRANS_TYPE, one of {names}, or --json with any transType")
        raise InvalidRequest(text.format(names=", ".join(TRANSACTIONS)))
    return trans_type


def _contents(option: str, path: str) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidRequest(f"{option}: {path}: {error.strerror}") from None


def _text(raw: bytes) -> str:
    """UTF-8, else GB 18030: what most programs for Chinese Windows write."""
    text = decode(raw, "utf-8-sig")
    text = decode(raw, "gb18030") if text is None else text
    if text is None:
        raise InvalidRequest(_("--json: it is neither UTF-8 nor GB 18030"))
    return text


def _parsed(option: str, text: str) -> Any:
    try:
        return parse_strictly(text)
    except (ValueError, TooDeepError):  # whose text may hold a piece of it
        told = _("{option}: it is not JSON").format(option=option)
        raise InvalidRequest(told) from None


def _object_or_text(option: str, text: str) -> Any:
    return _parsed(option, text) if text.lstrip().startswith("{") else text


def _agreed(twice: str, *values: Any) -> Any:
    """The one value that is given, ``None`` without any."""
    given = [value for value in values if value]
    if any(value != given[0] for value in given):
        raise InvalidRequest(twice)
    return given[0] if given else None


def _request(
    trans_type: Any, data: Dict[str, Any], arguments: Namespace
) -> Tuple[Request[Any], List[str]]:
    """The request, and what in it may be a slip."""
    listed = TRANSACTIONS.get(str(trans_type))
    warnings: List[str] = []
    try:
        if listed is None:
            return AnyRequest(trans_type, **data), warnings
        fields = _fields(listed, data, arguments)
        warnings += _doubts(listed, fields)
        return _with_more(listed).model_validate(fields), warnings
    except ValidationError as error:
        faults = [fault["msg"] for fault in error.errors(include_input=False)]
    told = in_wire_names("; ".join([*faults, *warnings]))
    text = _("nothing was sent, the request is invalid: {told}")
    raise InvalidRequest(text.format(told=told))


def _fields(
    listed: Type[Request[Any]], data: Dict[str, Any], arguments: Namespace
) -> Dict[str, Any]:
    """``data`` and the options, under Python's names."""
    names = {field.alias: name for name, field in listed.model_fields.items()}
    fields = {names.get(name, name): value for name, value in data.items()}
    for name in names.values():
        value = getattr(arguments, f"field_{name}", None)
        if value is None:
            continue
        if name == "photo_data" and value.startswith("@"):
            value = _contents("--photo-data", value[1:])
        elif name == "ext_data":
            value = _object_or_text("--ext-data", value)
        fields[name] = value
    return fields


def _doubts(listed: Type[Request[Any]], fields: Dict[str, Any]) -> List[str]:
    aliases = [str(field.alias) for field in listed.model_fields.values()]
    wire = {alias.lower(): alias for alias in aliases}
    told = []
    for name, value in fields.items():
        code = with_leading_zero(name, value)
        if code is not None:
            text = _("{name} {value} is not listed: is it {code} ({label})?")
            about = {"name": to_camel(name), "value": value}
            told.append(text.format(**about, code=code, label=code.label))
        if name not in listed.model_fields:
            for near in get_close_matches(name.lower(), wire, 1, 0.85):
                text = _("{name} is not listed: is it {near}?")
                told.append(text.format(name=name, near=wire[near]))
    return told


def in_wire_names(text: str) -> str:
    """The library's ``text``, with ``officeName`` for ``office_name``."""
    return re.sub("[a-z]+(_[a-z]+)+", lambda name: to_camel(name[0]), text)


def _with_more(listed: Type[Request[Any]]) -> Type[Request[Any]]:
    """``listed`` with room for fields that a province adds."""

    class WithMore(listed):  # type: ignore[misc,valid-type]
        model_config = ConfigDict(extra="allow")

    return WithMore
