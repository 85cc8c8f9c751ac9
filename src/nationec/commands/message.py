"""Reads the message of ``nationec call --json``."""

# Every field with a value is sent in its place, and none is replaced. Fields that a
# table lists are checked, others are sent unchecked.

import sys
from argparse import Namespace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, Iterator, List, Type

from pydantic import ValidationError

from ..doubts import field_names, widened
from ..json_text import parse_strictly, unwrap
from ..language import _
from ..models import AnyRequest, Request
from ..transactions import TRANSACTIONS
from ..wire import decode
from .output import InvalidRequest


def read_message(arguments: Namespace) -> Request[Any]:
    """Return the request, checked, and put the rest of the message into ``arguments``.

    This is ``org_id``, ``extra`` and ``data_format``, and ``messages`` of possible
    mistakes. Raises ``InvalidRequest``.
    """
    head = _read_head(arguments.json)
    try:
        data = unwrap(head["data"])
    except RecursionError:
        data = None
    if not isinstance(data, dict):
        raise InvalidRequest(_("--json: data must be an object"))
    data = {name: value for name, value in data.items() if value is not None}
    text = _("orgId is not the same in --org-id (NATIONEC_ORG_ID), the head and data")
    org_ids = data.pop("orgId", None), data.pop("org_id", None)
    arguments.org_id = _agreed(text, arguments.org_id, head.get("orgId"), *org_ids)
    text = _("transType is not the same in TRANS_TYPE and --json")
    trans_type = _agreed(text, arguments.trans_type, head.get("transType"))
    arguments.extra = head.get("extra")
    # Send ``data`` as text if it arrived as text; but not if ``extra`` is an object,
    # which ``Wire`` would then write as text too.
    as_text = isinstance(head["data"], str) and not isinstance(arguments.extra, dict)
    arguments.data_format = "string" if as_text else "object"
    return _request(trans_type, data, arguments.messages)


def _read_head(path: str) -> Dict[str, Any]:
    """Return the message. If the file has only the fields, put them under ``data``."""
    try:
        head = parse_strictly(_contents(path))
    except (ValueError, RecursionError):  # its text may hold a piece of the message
        head = None
    if not isinstance(head, dict):
        raise InvalidRequest(_("--json: this is not a JSON object"))
    if not {"data", "transType"}.intersection(head):
        return {"data": head}
    if "data" not in head or set(head) - {"orgId", "transType", "data", "extra"}:
        text = _("--json: a message has orgId, transType, data and extra, no more")
        raise InvalidRequest(text)
    return head


def _contents(path: str) -> str:
    """Read UTF-8, else GB 18030, which many programs for Chinese Windows write."""
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, AttributeError):  # AttributeError: there is no stdin
        text = _("cannot read {path}: check the path and that this user may read it")
        raise InvalidRequest(text.format(path=path)) from None
    contents = decode(raw, "utf-8-sig") or decode(raw, "gb18030")
    if contents is None:
        raise InvalidRequest(_("--json: it is neither UTF-8 nor GB 18030"))
    return contents


def _agreed(text: str, *values: Any) -> Any:
    """Return the common value, ``None`` if all are empty.

    Raises ``InvalidRequest`` with ``text`` if they differ.
    """
    found = [
        value.strip() if isinstance(value, str) else value for value in values if value
    ]
    if any(value != found[0] for value in found):
        raise InvalidRequest(text)
    return found[0] if found else None


def _request(
    trans_type: Any, data: Dict[str, Any], warnings: List[str]
) -> Request[Any]:
    if not trans_type:
        text = _("give TRANS_TYPE, for example {names}, or transType in --json")
        raise InvalidRequest(text.format(names=", ".join(TRANSACTIONS)))
    request_type = TRANSACTIONS.get(str(trans_type))
    try:
        if request_type is None:
            return AnyRequest(trans_type, **data)
        warnings += _misspelt(request_type, data)
        return widened(request_type).model_validate(data)
    except ValidationError as error:
        faults = [fault["msg"] for fault in error.errors(include_input=False)]
    text = _("nothing was sent, the request is invalid: {faults}")
    raise InvalidRequest(text.format(faults=_("; ").join(faults)))


def _misspelt(request_type: Type[Request[Any]], data: Dict[str, Any]) -> Iterator[str]:
    names = field_names(request_type)
    wire = {str(alias).lower(): alias for alias in names}
    for name in data:
        if name not in {*names, *names.values()}:
            for near in get_close_matches(name.lower(), wire, 1, 0.85):
                text = _("{name} is not listed: is it {near}?")
                yield text.format(name=name, near=wire[near])
