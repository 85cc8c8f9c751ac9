"""A stand-in for the DLL and the platform behind it: for trying out, and for tests of your own code."""

import json
import threading
import time
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple, Union

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from ..codes import ReturnCode
from ..errors import OUTCOME_UNKNOWN, DllCrashError, DllTimeoutError
from ..gb18030 import decode, encode
from ..transactions import REQUESTS, AuthCheckRequest, EcPwdRequest
from . import binding
from .dll import DllTransport

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


class _Refused(Exception):
    """``args`` are the code, and what is the matter."""


class _Answer(NamedTuple):
    return_value: Optional[bytes]
    out_data: bytes
    delay: float = 0
    crash: bool = False


class Simulator(DllTransport):
    """Answers the four transactions with the standard's example patient, through a real C function pointer and the
    same binding as the DLL: no DLL, no compiler, no network.

    It checks a request as the platform does and answers with the codes of §7.1: -2 for a field that is missing or
    wrong and for an ``outBizNo`` that it has had, 500021 for a transaction that it does not know, 500316 where the
    ``orgId`` of the head and of the data differ. ``answer`` tells it what to say instead.

    ``timeout`` is the deadline in seconds for each call, as ``IsolatedDll`` keeps one; ``None`` waits for ever, as
    ``DllTransport`` does.

    ``requests`` are the messages that it was sent, parsed, in order.
    """

    def __init__(self, *, out_buffer_size: int = 65536, timeout: Optional[float] = None) -> None:
        super().__init__(binding.c_function(self._respond), out_buffer_size=out_buffer_size)
        self.timeout = timeout
        self.requests: List[Any] = []
        self._next: List[_Answer] = []
        self._always: Dict[str, _Answer] = {}
        self._failed = threading.local()  # the error of the call that this thread is in
        self._biz_nos: Set[str] = set()
        self._room = out_buffer_size + binding.SLACK

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
        """What to answer: to the next call, or with a ``trans_type`` to every call of that transaction.

        ``data``, a ``dict`` or a ``Response``, is put into an answer with ``code`` and ``message``; ``raw`` is all of
        OutData instead. ``return_value`` ``None`` is NULL, and with another than ``"0000"`` and nothing else OutData is
        empty. Answers for the next call queue up, and go before the others.

        With a ``delay`` the answer takes that many seconds, and ``DllTimeoutError`` is raised when ``timeout`` comes
        first. With ``crash`` it is ``DllCrashError``, as ``IsolatedDll`` raises it.
        """
        if raw is None:
            failed = return_value != "0000" and (data, code, message) == (None, 0, None)
            raw = b"" if failed else _json(code, message, data)
        out_data = encode(raw) if isinstance(raw, str) else raw
        if len(out_data) >= self._room:
            raise ValueError(f"this answer does not fit: give Simulator an out_buffer_size of {len(out_data) + 1}")
        answer = _Answer(None if return_value is None else encode(return_value), out_data, delay, crash)
        if trans_type is None:
            self._next.append(answer)
        else:
            self._always[trans_type] = answer

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        self._failed.error = None
        answer = super().exchange(url, in_data)
        if self._failed.error is not None:
            raise self._failed.error
        return answer

    def _respond(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        try:
            return self._answered(in_data)
        except BaseException as error:  # Ctrl-C: C has no exceptions, so exchange() raises it
            self._failed.error = error
            return b"", b""

    def _answered(self, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        answer = self._answer_to(in_data)
        limit = threading.TIMEOUT_MAX if self.timeout is None else self.timeout
        time.sleep(min(answer.delay, limit))
        if answer.delay > limit:
            raise DllTimeoutError(
                f"the simulator was told to take {answer.delay:g} s, and the timeout is {limit:g} s. {OUTCOME_UNKNOWN}"
            )
        if answer.crash:
            raise DllCrashError(f"the simulator was told to crash. {OUTCOME_UNKNOWN}")
        return answer.return_value, answer.out_data

    def _answer_to(self, in_data: bytes) -> _Answer:
        try:
            request = json.loads(decode(in_data))
        except (ValueError, RecursionError):
            request = None
        self.requests.append(request)
        if self._next:
            return self._next.pop(0)
        try:
            trans_type = _head(request)
            if trans_type in self._always:
                return self._always[trans_type]
            answer = _json(0, None, self._handled(request))
        except _Refused as refused:
            code, why = refused.args
            answer = _json(code, f"{code.label}: {why}", None)
        return _Answer(b"0000", encode(answer))

    def _handled(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """The ``data`` of the answer."""
        data = request["data"]
        request_type = REQUESTS.get(request["transType"])
        if request_type is None:
            raise _Refused(ReturnCode.UNKNOWN_TRANSACTION, request["transType"])
        faults = []
        try:
            request_type.model_validate(data)
        except ValidationError as error:
            # A province may ask for fields that no table lists, and photoData may be left out.
            told = [fault for fault in error.errors() if fault["type"] != "extra_forbidden"]
            faults = [to_camel(str(*fault["loc"][:1])) or fault["msg"] for fault in told]
        if request_type is EcPwdRequest and "extData" not in data:  # which the library itself always sends
            faults.append("extData")
        biz_no = str(data.get("outBizNo") or "")
        if "out_biz_no" in request_type.model_fields and (not biz_no or biz_no in self._biz_nos):
            faults.append("outBizNo")
        faults = [name for name in dict.fromkeys(faults) if name != "photoData"]
        if faults:
            raise _Refused(ReturnCode.INVALID_PARAMETER, ", ".join(faults))
        self._biz_nos.add(biz_no)
        if request_type is EcPwdRequest:
            return {"pwdFlag": "1", "ecToken": data.get("ecToken") or _PATIENT["ecToken"], "extra": ""}
        return {**_PATIENT, "authNo": data["authNo"]} if request_type is AuthCheckRequest else _PATIENT


def _head(request: Any) -> str:
    """Check the head (§4.2.4.1), put parsed ``data`` into ``request``, and give its transType."""
    if not isinstance(request, dict):
        raise _Refused(ReturnCode.INVALID_PARAMETER, "InData")
    data: Any = request.get("data")
    if isinstance(data, str):
        with suppress(ValueError, RecursionError):
            data = request["data"] = json.loads(data)
    absent = [name for name in ("orgId", "transType") if not isinstance(request.get(name), str) or not request[name]]
    if not isinstance(data, dict):
        absent.append("data")
    elif not data.get("orgId"):
        absent.append("data.orgId")
    if absent:
        raise _Refused(ReturnCode.INVALID_PARAMETER, ", ".join(absent))
    if data["orgId"] != request["orgId"]:
        raise _Refused(ReturnCode.ORG_ID_WRONG, "data.orgId")
    return str(request["transType"])


def _json(code: Any, message: Optional[str], data: Any) -> str:
    if message is None and code == 0:
        message = "处理成功"
    elif message is None and code in set(ReturnCode):
        message = ReturnCode(code).label
    answer = {"data": data, "code": code, "message": message}
    return json.dumps(answer, ensure_ascii=False, default=lambda model: model.model_dump(by_alias=True))
