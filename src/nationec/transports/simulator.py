"""``Simulator`` replaces the DLL and the platform, for trials and tests."""

import json
import time
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple, Union

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from ..codes import ReturnCode
from ..errors import crash_error, timeout_error
from ..gb18030 import decode, encode
from ..json_text import parse, unwrap
from ..language import _
from ..models import field_of
from ..transactions import TRANSACTIONS, EcPwdRequest, Numbered

_PATIENT = {  # the example of §5.3.5.2
    "extra": "",
    "idNo": "533222199909090123",
    "idType": "01",
    "ecToken": "ADBHJRS5I01E0F3438C00000B959FA88",
    "insuOrg": "430000",
    "userName": "张三",
    "ecIndexNo": "",
    "gender": "",
    "birthday": "",
    "nationality": "",
    "email": "",
}
_EXAMPLES: Dict[str, Dict[str, Any]] = {
    "ec.query": _PATIENT,
    "cn.nhsa.qrcode.get": _PATIENT,
    "cn.nhsa.auth.check": {**_PATIENT, "authNo": "A0001"},
    "cn.nhsa.ec.pwd": {"pwdFlag": "1", "ecToken": _PATIENT["ecToken"], "extra": ""},
    "cn.nhsa.ec.auth": {"authNo": "A0001", "outBizNo": "", "extData": ""},
}
"""For each transaction the ``data`` of its answer."""
_ACCEPTED = "extra_forbidden", "string_too_long"
"""Faults that are accepted: provinces add fields, later editions allow longer text."""


class _Answer(NamedTuple):
    data: Any = None
    code: Any = 0
    message: Optional[str] = None
    return_value: Optional[str] = "0000"
    raw: Union[bytes, str, None] = None
    delay: float = 0
    crash: bool = False


class Simulator:
    """Answers the transactions with the standard's example patient: no DLL, no network.

    It checks a request as the platform does, and answers with the codes of §7.1: -2 for
    a field that is missing or wrong and for an ``outBizNo`` that was used before,
    500021 for an unknown transaction, 500316 if the ``orgId`` of the head and of the
    data differ. Use ``answer`` to set other answers.

    ``timeout`` is the deadline for each call in seconds, as in ``IsolatedDll``;
    ``None`` waits for ever, as ``DllTransport`` does.

    ``requests`` holds the parsed messages that it received, in order.
    """

    def __init__(self, *, timeout: Optional[float] = None) -> None:
        self.timeout = timeout
        self.requests: List[Any] = []
        self._next: List[_Answer] = []
        self._always: Dict[str, _Answer] = {}
        self._biz_nos: Set[str] = {""}  # a missing number is refused too
        self._closed = False

    def __repr__(self) -> str:
        return f"<Simulator, {len(self.requests)} requests>"

    def answer(
        self,
        trans_type: Optional[str] = None,
        *,
        data: Any = None,
        code: Any = 0,
        message: Optional[str] = None,
        return_value: Optional[str] = "0000",
        raw: Union[bytes, str, None] = None,
        delay: float = 0,
        crash: bool = False,
    ) -> None:
        """Set the answer to the next call, or to all calls of one ``trans_type``.

        A ``dict`` as ``data`` replaces fields of that transaction's example (the
        patient of §5.3.5.2), and removes those whose value is ``None``. A ``Response``
        replaces all of the data. The answer has this ``data``, ``code`` and
        ``message``; ``raw`` replaces all of OutData. A ``return_value`` of ``None`` is
        NULL. If it is not ``"0000"``, OutData is empty unless another argument sets it.
        Answers to the next call form a queue, and are used first.

        ``delay`` is how many seconds the answer takes; if that is longer than
        ``timeout``, the call raises ``DllTimeoutError``. With ``crash`` the call raises
        ``DllCrashError``, as ``IsolatedDll`` does.
        """
        answer = _Answer(data, code, message, return_value, raw, delay, crash)
        if trans_type is None:
            self._next.append(answer)
        else:
            self._always[trans_type] = answer

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """See ``Transport``.

        Raises ``DllTimeoutError`` and ``DllCrashError`` if ``answer`` has set them.
        """
        if self._closed:
            raise ValueError(_("this transport is closed: make a new one"))
        message = _parsed(in_data)
        # Recorded even if it is refused or times out: a test checks what arrived.
        self.requests.append(message)
        answer = self._answer_to(message)
        if self.timeout is not None and answer.delay > self.timeout:
            time.sleep(self.timeout)
            raise timeout_error(self.timeout)
        time.sleep(answer.delay)
        if answer.crash:
            raise crash_error("ended", detail=_("the simulator was told to crash"))
        returned = answer.return_value
        out_data = _out_data(answer, message)
        return None if returned is None else encode(returned), out_data

    def close(self) -> None:
        """Refuse all further calls."""
        self._closed = True

    def _answer_to(self, message: Any) -> _Answer:
        # Answers set by a test come before all checks: its request may be wrong.
        if self._next:
            return self._next.pop(0)
        wrong = _wrong_in_head(message)
        if wrong:
            return _refusal(ReturnCode.INVALID_PARAMETER, *wrong)
        trans_type, data = message["transType"], message["data"]
        if data["orgId"] != message["orgId"]:
            return _refusal(ReturnCode.ORG_ID_WRONG, "data.orgId")
        if trans_type in self._always:
            return self._always[trans_type]
        if trans_type not in _EXAMPLES:
            return _refusal(ReturnCode.UNKNOWN_TRANSACTION, trans_type)
        wrong = self._wrong_in_data(trans_type, data)
        if wrong:
            return _refusal(ReturnCode.INVALID_PARAMETER, *wrong)
        return _Answer()

    def _wrong_in_data(self, trans_type: str, data: Dict[str, Any]) -> List[str]:
        """Return the wire names of the fields that are missing or wrong."""
        request_type = TRANSACTIONS[trans_type]
        # §5.6.3 marks extData Y. The class has a default, and cannot report it missing.
        is_missing = request_type is EcPwdRequest and "extData" not in data
        wrong = ["extData"] if is_missing else []
        try:
            # The platform knows no Python names.
            wire = {name: data[name] for name in data if to_camel(name) == name}
            request_type.model_validate(wire)
        except ValidationError as error:
            wrong += [
                to_camel(field_of(fault["loc"])) or fault["msg"]
                for fault in error.errors()
                if fault["type"] not in _ACCEPTED
            ]
        number = str(data.get("outBizNo") or "")
        if issubclass(request_type, Numbered) and number in self._biz_nos:
            wrong.append("outBizNo")
        if not wrong:
            self._biz_nos.add(number)
        return wrong


def _parsed(in_data: bytes) -> Any:
    """Parse the message and its ``data``; ``None`` if it is not JSON in GB 18030."""
    try:
        message = parse(decode(in_data))
        if isinstance(message, dict) and "data" in message:
            message["data"] = unwrap(message["data"])
    except (ValueError, RecursionError):
        return None
    return message


def _refusal(code: ReturnCode, *wrong: str) -> _Answer:
    names = ", ".join(dict.fromkeys(wrong))
    return _Answer(code=code, message=f"{code.label}: {names}")


def _wrong_in_head(message: Any) -> List[str]:
    """Return what is missing or wrong in the head (§4.2.4.1)."""
    if not isinstance(message, dict):
        return ["InData"]
    texts = {name for name, text in message.items() if text and isinstance(text, str)}
    wrong = [name for name in ("orgId", "transType") if name not in texts]
    data = message.get("data")
    if not isinstance(data, dict):
        wrong.append("data")
    elif not data.get("orgId"):
        wrong.append("data.orgId")
    return wrong


def _example(message: Any) -> Dict[str, Any]:
    """Return example ``data`` of an answer; empty for an unknown transaction."""
    if not isinstance(message, dict) or message.get("transType") not in _EXAMPLES:
        return {}
    example = dict(_EXAMPLES[message["transType"]])
    asked = message.get("data")
    if isinstance(asked, dict):
        for name in {"authNo", "ecToken", "outBizNo"}.intersection(example):
            example[name] = asked.get(name) or example[name]
    return example


def _out_data(answer: _Answer, message: Any) -> bytes:
    if answer.raw is not None:
        return encode(answer.raw) if isinstance(answer.raw, str) else answer.raw
    nothing_set = (answer.data, answer.code, answer.message) == (None, 0, None)
    if answer.return_value != "0000" and nothing_set:
        return b""
    words: Any = answer.message
    if words is None:
        success = "处理成功"  # as in §5.3.5.2
        listed = ReturnCode.listed(answer.code)
        words = success if _is_success(answer) else listed and listed.label
    envelope = {"data": _data(answer, message), "code": answer.code, "message": words}
    return encode(json.dumps(envelope, ensure_ascii=False))


def _is_success(answer: _Answer) -> bool:
    return str(answer.code) == "0"  # some platforms send text


def _data(answer: _Answer, message: Any) -> Any:
    data = {} if answer.data is None and _is_success(answer) else answer.data
    if isinstance(data, BaseModel):
        return data.model_dump(by_alias=True)
    if isinstance(data, dict):
        laid_over = {**_example(message), **data}
        return {name: value for name, value in laid_over.items() if value is not None}
    return data
