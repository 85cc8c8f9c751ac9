"""What a call means: fill in, encode, call, and judge in the standard's order (§4.1 判断逻辑)."""

import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from time import perf_counter
from types import TracebackType
from typing import Any, Callable, Generic, Optional, Type, Union, cast

from .biz_no import new_out_biz_no
from .codes import ReturnCode
from .errors import OUTCOME_UNKNOWN, BusinessError, DllCrashError, NationEcError, ProtocolError
from .reading import Encoding, Envelope, data_of, envelope_of
from .transactions import Request, T, json_text, not_text
from .transports.base import Transport
from .transports.dll import DllTransport

logger = logging.getLogger("nationec")

_HEAD = {"extra", "trans_type"}  # of a request's fields, what goes into the head alone


@lru_cache(maxsize=16)  # a client has one organisation and a handful of transactions
def _head(org_id: Optional[str], trans_type: str) -> bytes:
    return f'{{"orgId":{json_text(org_id)},"transType":{json_text(trans_type)},"data":'.encode()


@dataclass(repr=False)
class Exchange(Generic[T]):
    """All of one call: what a HIS keeps in its log. It holds the patient's data; its ``repr`` shows none of it.

    What the call did not get to is ``None``, or empty: ``return_value`` is also ``None`` where the DLL returned
    NULL, ``envelope`` and ``data`` where the answer could not be read. ``error`` is what the call raised.
    """

    request: Request[T]
    """As sent: ``org_id`` and ``out_biz_no`` are filled in."""
    sent: bytes
    """InData, as it goes to the transport."""
    started_at: datetime
    """In UTC."""
    elapsed: float = 0.0
    """Seconds spent in the transport."""
    return_value: Optional[bytes] = None
    received: bytes = b""
    """OutData up to its terminator."""
    envelope: Optional[Envelope] = None
    data: Optional[T] = None
    error: Optional[BaseException] = None

    @property
    def trans_type(self) -> str:
        return self.request.trans_type

    @property
    def out_biz_no(self) -> Optional[str]:
        return getattr(self.request, "out_biz_no", None)

    def __repr__(self) -> str:
        code = self.envelope and self.envelope.code
        outcome = f"error={type(self.error).__name__}" if self.error else f"code={code}"
        return f"<Exchange {self.trans_type} out_biz_no={self.out_biz_no} {outcome} {self.elapsed * 1000:.1f} ms>"


class Client:
    """Calls ``NationEcTrans`` for one platform address and one organisation. May be shared by threads.

    ``url`` is 业务请求地址 (§5.2), ``org_id`` the 医保定点机构代码 (§4.2.4.1), at most 40 characters.

    ``dll`` is the path of ``NationECCode.dll``, ``transport`` anything else that makes the call; without either
    the DLL is looked for (see ``DllTransport``). Closing the client closes the transport.

    ``data_format`` is how ``data`` and a ``dict`` in ``extra`` go out: as an ``"object"``, as in the example of
    §5.3.5.1, or as a JSON ``"string"``, as in §4.2.4.1. Answers are read in both. ``encoding`` is the DLL's,
    which the standard says is GB 18030 (§4.1). ``out_buffer_size`` is for the ``DllTransport`` that is made here.

    ``on_exchange`` is called with the ``Exchange`` of every call, failed or not, before the call returns.

    Raises ``DllLoadError``, and ``ValueError`` for arguments that cannot be right.
    """

    def __init__(
        self,
        url: str,
        org_id: str,
        *,
        dll: Union[str, "os.PathLike[str]", None] = None,
        transport: Optional[Transport] = None,
        encoding: str = "gb18030",
        data_format: str = "object",
        out_buffer_size: int = 65536,
        on_exchange: Optional[Callable[[Exchange[Any]], object]] = None,
    ) -> None:
        if dll is not None and transport is not None:
            raise ValueError("give dll or transport, not both")
        if data_format not in ("object", "string"):
            raise ValueError('data_format is "object" or "string"')
        for what, text, limit, section in (("url", url, 2048, "§5.2"), ("org_id", org_id, 40, "§4.2.4.1")):
            if not isinstance(text, str) or not 1 <= len(text) <= limit or not_text(text):
                raise ValueError(f"{what} must be text of 1 to {limit:,} characters, none of control ({section})")
        self._encoding = Encoding(encoding)
        self.url = url
        self.org_id = org_id
        self._url = self._encoding.encoded(url, "url")
        self._encoding.encoded(org_id, "org_id")
        self._closed = False
        self._data_format = data_format
        self._on_exchange = on_exchange
        if transport is None:
            transport = DllTransport(dll, out_buffer_size=out_buffer_size)
        self.transport = transport

    def __repr__(self) -> str:
        return f"Client({self.url!r}, {self.org_id!r}, transport={self.transport!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport. The client cannot be used after it."""
        self._closed = True
        self.transport.close()

    def call(self, request: Request[T]) -> T:
        """Carry out a transaction, and give the ``data`` of the answer.

        The request is sent once, whatever happens. After ``DllTimeoutError`` and ``DllCrashError`` the outcome
        is unknown: look it up by the error's ``out_biz_no``.

        Raises ``DllLoadError``, ``DllTimeoutError``, ``DllCrashError``, ``ProtocolError``, ``BusinessError`` and
        ``ResponseFormatError``, all of them ``NationEcError``; ``ValueError`` for what cannot be encoded, and
        for a client that is closed.
        """
        return cast(T, self.exchange(request).data)

    def exchange(self, request: Request[T]) -> Exchange[T]:
        """The same call, with all of it: what was sent and received, when, and how it was judged."""
        if self._closed:
            raise ValueError("this client is closed: make a new one")
        request = self._filled_in(request)
        exchange = Exchange(request, self._message(request), datetime.now(timezone.utc))
        started = perf_counter()
        try:
            try:
                exchange.return_value, exchange.received = self.transport.exchange(self._url, exchange.sent)
            finally:
                exchange.elapsed = perf_counter() - started
            self._judge(exchange)
        except BaseException as error:
            exchange.error = error
            if isinstance(error, DllCrashError):
                exchange.received = error.received
            if isinstance(error, NationEcError):
                error.trans_type, error.out_biz_no, error.exchange = exchange.trans_type, exchange.out_biz_no, exchange
            raise
        finally:
            self._report(exchange)
        return exchange

    def _filled_in(self, request: Request[T]) -> Request[T]:
        if not isinstance(request, Request):
            raise TypeError(f"a {type(request).__name__} is no Request: give for example an EcQueryRequest")
        if not 1 <= len(getattr(request, "trans_type", "")) <= 40:
            raise TypeError(f"{type(request).__name__} needs a trans_type of 1 to 40 characters: set it in the class")
        if not getattr(getattr(request, "response_type", None), "__pydantic_complete__", False):
            name = type(request).__name__
            raise TypeError(f"{name} does not say what answers it: write class {name}(Request[ItsResponse])")
        values = {}
        if request.org_id is None:
            values["org_id"] = self.org_id
        if request.__dict__.get("out_biz_no", "") is None:  # it has one, and none was given
            values["out_biz_no"] = new_out_biz_no(request.org_id or self.org_id)
        return request.model_copy(update=values)

    def _message(self, request: Request[Any]) -> bytes:
        # A photo is most of a message, and is base64: to put it in as it is takes half of the whole call's time.
        photo: Any = request.__dict__.get("photo_data")
        apart = self._data_format == "object" and isinstance(photo, str) and photo.isascii()
        apart = apart and not ('"' in photo or "\\" in photo)
        elsewhere = _HEAD | {"photo_data"} if apart else _HEAD
        # What model_dump_json calls, which itself is half of its time.
        data = request.__pydantic_serializer__.to_json(
            request, by_alias=True, exclude_none=True, exclude=elsewhere, warnings=False
        )
        extra = request.extra
        if self._data_format == "string":
            data = json_text(data.decode()).encode()
            extra = json_text(extra) if isinstance(extra, dict) else extra
        head = _head(request.org_id, request.trans_type)
        tail = b"}" if extra is None else b',"extra":%b}' % json_text(extra).encode()
        encoded = self._encoding.encoded
        if apart:
            name = type(request).model_fields["photo_data"].serialization_alias or ""
            before, after = head + data[:-1] + b',"%b":"' % name.encode(), b'"}' + tail
            return b"".join((encoded(before.decode(), "request"), photo.encode(), encoded(after.decode(), "request")))
        return encoded((head + data + tail).decode(), "request")

    def _judge(self, exchange: Exchange[T]) -> None:
        if exchange.return_value != b"0000":
            returned, out_data = self._words(exchange, exchange.return_value), self._words(exchange, exchange.received)
            said = "NULL" if exchange.return_value is None else returned or "no text"
            said = "0000 and more around it" if returned == "0000" else said
            raise ProtocolError(
                f"NationEcTrans returned {said}, not 0000"
                f"{out_data and f' (OutData: {out_data})'}: the transaction did not get through. Check the url, and "
                "the network from this machine to it; then call again",
                return_value=None if exchange.return_value is None else returned,
                out_data=out_data,
            )
        answer = self._encoding.answer(exchange.received)
        envelope = exchange.envelope = envelope_of(answer)
        if envelope.code != 0:
            told = f"{envelope.code} {envelope.message}".rstrip()
            advice = "Act on this before calling again"
            if not envelope.message:
                advice = "It says no more: ask whoever runs it what the code means"
            if envelope.code == ReturnCode.SERVER_TIMEOUT:  # no refusal: the platform gave up waiting for an answer
                advice = OUTCOME_UNKNOWN
            raise BusinessError(
                f"the platform refused: {told}. {advice}",
                code=envelope.code,
                message=envelope.message,
            )
        exchange.data = data_of(answer.get("data"), cast(Type[T], exchange.request.response_type))

    def _words(self, exchange: Exchange[Any], raw: Optional[bytes]) -> str:
        return self._encoding.words(raw, exchange.sent, exchange.received)

    def _report(self, exchange: Exchange[Any]) -> None:
        if self._on_exchange is not None:
            try:
                self._on_exchange(exchange)
            except Exception as error:
                # Without its text, which may hold what the hook was given.
                place = error.__traceback__
                while place is not None and place.tb_next is not None:
                    place = place.tb_next
                _log(
                    logging.WARNING,
                    "on_exchange raised %s at %s:%s; the call goes on",
                    type(error).__name__,
                    place and place.tb_frame.f_code.co_filename,
                    place and place.tb_lineno,
                )
        if logger.isEnabledFor(logging.DEBUG):
            returned = exchange.return_value
            _log(
                logging.DEBUG,
                "%s outBizNo=%s returned %s code=%s in %.1f ms",
                exchange.trans_type,
                exchange.out_biz_no,
                None if returned is None else " ".join(self._words(exchange, returned).split()),
                exchange.envelope and exchange.envelope.code,
                exchange.elapsed * 1000,
            )


def _log(level: int, text: str, *values: Any) -> None:
    with suppress(Exception):  # of a filter or a handler of the program's: the transaction has taken place all the same
        logger.log(level, text, *values)
