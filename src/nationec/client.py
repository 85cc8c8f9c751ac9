"""``Client`` makes calls: it fills in, writes, calls and judges the answer (§4.1)."""

# A request is checked before anything is sent, and sent once. The answer is judged in
# the standard's order: return value (or ProtocolError), code (or BusinessError), data
# (or ResponseFormatError). The exchange records all of it, also of a call that failed.
# It is passed to ``on_exchange``, and the log gets one line.

import logging
from contextlib import suppress
from datetime import datetime, timezone
from time import perf_counter
from typing import Any, Callable, Optional, Sequence, Union, cast

from .biz_no import new_out_biz_no
from .doubts import doubts, request_log
from .errors import DllCrashError, NationEcError, business_error, protocol_error
from .exchange import Exchange
from .language import _, setting
from .models import Request, T
from .transactions import Numbered
from .transports.base import Transport
from .transports.binding import wanted_dll
from .transports.dll import OUT_BUFFER_SIZE, DllTransport, StrPath
from .transports.isolated import TIMEOUT, IsolatedDll
from .wire import Extra, Wire, read_data

logger = logging.getLogger("nationec")


class Client:
    """Calls ``NationEcTrans`` for one platform address and one organisation.

    Threads may share it. ``url`` is 业务请求地址 (§5.2), ``org_id`` the
    医保定点机构代码 (§4.2.4.1) of at most 40 characters.

    ``dll`` is the path of ``NationECCode.dll``; without it the DLL is searched for (see
    ``DllTransport``). With ``python`` (the command of another interpreter) or
    ``timeout`` (in seconds), the DLL is called in a separate process (see
    ``IsolatedDll``). ``transport`` is another object that makes the call. Closing the
    client closes the transport.

    ``encoding`` is the encoding of requests, GB 18030 in the standard (§4.1);
    ``response_encoding`` is that of answers, by default the same. ``data_format`` says
    how ``data``, and an ``extra`` that is a ``dict``, are sent: as an ``"object"``, as
    in the example of §5.3.5.1, or as a JSON ``"string"``, as in §4.2.4.1. Answers are
    accepted in both formats. ``out_buffer_size`` is the size of OutData in bytes.

    ``on_exchange`` is called with the ``Exchange`` of every call before the call
    returns or raises.

    Raises ``DllLoadError``, and ``ValueError`` for invalid arguments.
    """

    def __init__(
        self,
        url: str,
        org_id: str,
        *,
        dll: Optional[StrPath] = None,
        python: Union[str, Sequence[str], None] = None,
        timeout: Optional[float] = None,
        transport: Optional[Transport] = None,
        encoding: str = "gb18030",
        response_encoding: Optional[str] = None,
        data_format: str = "object",
        out_buffer_size: int = OUT_BUFFER_SIZE,
        on_exchange: Optional[Callable[[Exchange[Any]], object]] = None,
    ) -> None:
        self.url = _checked_text("url", url, 2048)
        self.org_id = _checked_text("org_id", org_id, 40)
        if not self.url.lower().startswith(("http://", "https://")):
            raise ValueError(_("url must begin with http:// or https://"))
        self.wire = Wire(encoding, response_encoding, data_format)
        self._url = self.wire.encode(self.url)
        self._on_exchange = on_exchange
        self._closed = False
        settings = dll, python, timeout, out_buffer_size
        if transport is None:
            transport = _transport(*settings)
        elif settings != (None, None, None, OUT_BUFFER_SIZE):
            text = _(
                "transport makes the call: "
                "give no dll, python or timeout with it, and no out_buffer_size"
            )
            raise ValueError(text)
        self.transport = transport

    def __repr__(self) -> str:
        return f"Client({self.url!r}, {self.org_id!r}, transport={self.transport!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport. The client cannot be used again."""
        self._closed = True
        self.transport.close()

    def call(self, request: Request[T], *, extra: Extra = None) -> T:
        """Carry out a transaction, and return the ``data`` of the answer.

        The request is never sent twice. ``extra`` is the ``extra`` of the head
        (§4.2.4.1), at most 2,048 characters of JSON; a ``str`` is sent unchanged.

        Raises ``DllLoadError``, ``DllTimeoutError``, ``DllCrashError``,
        ``ProtocolError``, ``BusinessError`` and ``ResponseFormatError``. All are
        ``NationEcError``; ``outcome_unknown`` says whether the transaction may have
        taken place. Raises ``ValueError`` if the request cannot be encoded or the
        client is closed, and ``TypeError`` if ``request`` is not a request.
        """
        return cast(T, self.exchange(request, extra=extra).data)

    def exchange(self, request: Request[T], *, extra: Extra = None) -> Exchange[T]:
        """Do what ``call`` does, and return the whole ``Exchange``."""
        if self._closed:
            raise ValueError(_("this client is closed: make a new one"))
        _check_request(request)
        for text in doubts(request):
            _log(request_log, logging.WARNING, text)
        request = self._filled_in(request)
        sent = self.wire.in_data(request, extra)
        exchange = Exchange(request, sent, datetime.now(timezone.utc))
        # From here on something may be sent: record and report whatever happens.
        try:
            self._carry_out(exchange)
        except BaseException as error:
            exchange.error = error
            if isinstance(error, DllCrashError):  # what OutData held comes with it
                exchange.received = error.received
            if isinstance(error, NationEcError):
                error.attach(exchange)
            raise
        finally:
            self._report(exchange)
        return exchange

    def _filled_in(self, request: Request[T]) -> Request[T]:
        values = {}
        if request.org_id is None:
            values["org_id"] = self.org_id
        if isinstance(request, Numbered) and request.out_biz_no is None:
            values["out_biz_no"] = new_out_biz_no(request.org_id or self.org_id)
        # A copy: the caller may send the same request again, with another number.
        return request.model_copy(update=values)

    def _carry_out(self, exchange: Exchange[T]) -> None:
        started = perf_counter()
        try:
            answer = self.transport.exchange(self._url, exchange.sent)
            exchange.return_value, exchange.received = answer
        finally:
            exchange.elapsed = perf_counter() - started
        if exchange.return_value != b"0000":
            value, out_data = exchange.return_value, self.wire.words(exchange.received)
            text = None if value is None else self.wire.words(value)
            raise protocol_error(text, out_data)
        exchange.envelope = envelope = self.wire.answer(exchange.received)
        if envelope.code != 0:
            raise business_error(envelope.code, envelope.message)
        response_type = exchange.request.response_type
        exchange.data = cast(T, read_data(response_type, envelope))

    def _report(self, exchange: Exchange[Any]) -> None:
        if self._on_exchange is not None:
            try:
                self._on_exchange(exchange)
            except Exception as error:
                # Only its type: its text may hold personal data of the exchange.
                kind = type(error).__name__
                text = "on_exchange raised %s; it is ignored"
                _log(logger, logging.WARNING, text, kind)
        level = logging.WARNING if exchange.error else logging.DEBUG
        if logger.isEnabledFor(level):
            # As text: a handler with a queue would keep the patient's data.
            _log(logger, level, "%s", str(exchange))


def _transport(
    dll: Optional[StrPath],
    python: Union[str, Sequence[str], None],
    timeout: Optional[float],
    out_buffer_size: int,
) -> Transport:
    # A separate process costs time and memory, so it is used only if asked for.
    if python is None and timeout is None:
        return DllTransport(dll, out_buffer_size=out_buffer_size)
    return IsolatedDll(
        wanted_dll(dll),
        python=python,
        timeout=TIMEOUT if timeout is None else timeout,
        out_buffer_size=out_buffer_size,
    )


def _log(to: logging.Logger, level: int, text: str, *values: Any) -> None:
    # The program's log filter may raise. That must not hide the answer.
    with suppress(Exception):
        to.log(level, text, *values)


def _checked_text(name: str, value: Any, limit: int) -> str:
    """Check ``value``, and return it without the blanks that a database pads."""
    stripped = value.strip(" ") if isinstance(value, str) else ""
    if 1 <= len(stripped) <= limit and stripped.isprintable():
        return stripped
    text = _(
        "{setting} must be text of 1 to {limit} characters, "
        "without control characters and unusual blanks"
    )
    raise ValueError(text.format(setting=setting(name), limit=limit))


# Beginners make these mistakes, so each has its own message. Nothing has been sent yet.
def _check_request(request: Any) -> None:
    name = type(request).__name__
    if isinstance(request, type) and issubclass(request, Request):
        text = _("give {name}(...), not the class")
        raise TypeError(text.format(name=request.__name__))
    if not isinstance(request, Request):
        text = _("a {name} is not a request: give for example EcQueryRequest(...)")
        raise TypeError(text.format(name=name))
    if not 1 <= len(getattr(request, "trans_type", "")) <= 40:
        text = _("{name} needs a trans_type of 1 to 40 characters: set it in the class")
        raise TypeError(text.format(name=name))
    response_type = getattr(request, "response_type", None)
    if not getattr(response_type, "__pydantic_complete__", False):
        text = _(
            "{name} does not say what answers it: "
            "write class {name}(Request[ItsResponse])"
        )
        raise TypeError(text.format(name=name))
