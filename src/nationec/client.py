"""What a call means: fill in, write, call, judge in the standard's order (§4.1)."""

# A request is checked before anything is sent, and sent once. What comes back is judged
# in three steps: the return value, else ProtocolError; code, else BusinessError; data,
# else ResponseFormatError. However it ends, all of it is on the exchange, which is
# reported to ``on_exchange`` and to the log.

import logging
from contextlib import suppress
from datetime import datetime, timezone
from time import perf_counter
from typing import Any, Callable, Optional, Sequence, Union, cast

from .biz_no import new_out_biz_no
from .codes import with_leading_zero
from .errors import (
    DllCrashError,
    NationEcError,
    ProtocolError,
    business_error,
    protocol_error,
)
from .exchange import Exchange
from .language import _, cut, field, one_line, option
from .models import Request, T
from .transactions import Numbered
from .transactions import log as slips
from .transports.base import Transport
from .transports.binding import dll_name
from .transports.dll import OUT_BUFFER_SIZE, DllTransport, Path
from .transports.isolated import TIMEOUT, IsolatedDll
from .wire import Extra, Wire, read_data

logger = logging.getLogger("nationec")


class Client:
    """Calls ``NationEcTrans`` for one platform address and one organisation.

    Threads may share it. ``url`` is 业务请求地址 (§5.2), ``org_id`` the
    医保定点机构代码 (§4.2.4.1) of at most 40 characters.

    ``dll`` is the path of ``NationECCode.dll``; without it the DLL is looked for (see
    ``DllTransport``). With ``python``, the command of another interpreter, or
    ``timeout``, in seconds, the DLL is called in a process of its own (see
    ``IsolatedDll``). ``transport`` is anything else that makes the call. Closing the
    client closes the transport.

    ``encoding`` is the DLL's, which the standard says is GB 18030 (§4.1);
    ``response_encoding`` is that of its answers, the same unless given. ``data_format``
    is how ``data`` and a ``dict`` in ``extra`` go out: as an ``"object"``, as in the
    example of §5.3.5.1, or as a JSON ``"string"``, as in §4.2.4.1; answers are read in
    both. ``out_buffer_size`` is the room for an answer, in bytes.

    ``on_exchange`` is called with the ``Exchange`` of every call, failed or not, before
    the call returns.

    Raises ``DllLoadError``, and ``ValueError`` for arguments that cannot be right.
    """

    def __init__(
        self,
        url: str,
        org_id: str,
        *,
        dll: Optional[Path] = None,
        python: Union[str, Sequence[str], None] = None,
        timeout: Optional[float] = None,
        transport: Optional[Transport] = None,
        encoding: str = "gb18030",
        response_encoding: Optional[str] = None,
        data_format: str = "object",
        out_buffer_size: int = OUT_BUFFER_SIZE,
        on_exchange: Optional[Callable[[Exchange[Any]], object]] = None,
    ) -> None:
        self.url = _checked("url", url, 2048)
        self.org_id = _checked("org_id", org_id, 40)
        if not self.url.lower().startswith(("http://", "https://")):
            raise ValueError(_("url must begin with http:// or https://"))
        self._wire = Wire(encoding, response_encoding, data_format)
        self._url = self._wire.encode(self.url)
        self._on_exchange = on_exchange
        self._closed = False
        if transport is None:
            transport = _transport(dll, python, timeout, out_buffer_size)
        elif (dll, python, timeout) != (None, None, None):
            text = _("transport makes the call: give no dll, python or timeout with it")
            raise ValueError(text)
        self.transport = transport

    def __repr__(self) -> str:
        return f"Client({self.url!r}, {self.org_id!r}, transport={self.transport!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport. The client cannot be used after it."""
        self._closed = True
        self.transport.close()

    def call(self, request: Request[T], *, extra: Extra = None) -> T:
        """Carry out a transaction, and return the ``data`` of the answer.

        The request is sent once, whatever happens. ``extra`` is that of the head
        (§4.2.4.1), at most 2,048 characters of JSON; a ``str`` goes out as it is.

        Raises ``DllLoadError``, ``DllTimeoutError``, ``DllCrashError``,
        ``ProtocolError``, ``BusinessError`` and ``ResponseFormatError``, all of them
        ``NationEcError``: their ``outcome_unknown`` says whether the transaction may
        have taken place all the same. Raises ``ValueError`` for what cannot be encoded,
        and for a client that is closed; ``TypeError`` for what is no request.
        """
        return cast(T, self.exchange(request, extra=extra).data)

    def exchange(self, request: Request[T], *, extra: Extra = None) -> Exchange[T]:
        """Do the same, and return all of it: what was sent and received, and when."""
        if self._closed:
            raise ValueError(_("this client is closed: make a new one"))
        request = self._filled_in(request)
        sent = self._wire.in_data(request, extra)
        exchange = Exchange(request, sent, datetime.now(timezone.utc))
        # From here on something may have been sent: what happens is kept, and told.
        try:
            self._carry_out(exchange)
        except BaseException as error:
            exchange.error = error
            if isinstance(error, DllCrashError):
                exchange.received = error.received
            if isinstance(error, NationEcError):
                error.about(exchange)
            raise
        finally:
            self._report(exchange)
        return exchange

    def _filled_in(self, request: Request[T]) -> Request[T]:
        _check_request(request)
        values = {}
        if request.org_id is None:
            values["org_id"] = self.org_id
        if isinstance(request, Numbered) and request.out_biz_no is None:
            values["out_biz_no"] = new_out_biz_no(request.org_id or self.org_id)
        _warn_of_slips(request)
        # A copy: the caller may send the same request again, with another number.
        return request.model_copy(update=values)

    def _carry_out(self, exchange: Exchange[T]) -> None:
        started = perf_counter()
        try:
            answer = self.transport.exchange(self._url, exchange.sent)
        finally:
            exchange.elapsed = perf_counter() - started
        exchange.return_value, exchange.received = returned, received = answer
        words = self._wire.words
        if returned != b"0000":
            said = None if returned is None else words(returned)
            raise protocol_error(said, words(received))
        exchange.envelope = envelope = self._wire.answer(received)
        if envelope.code != 0:
            raise business_error(envelope.code, envelope.message)
        response_type = exchange.request.response_type
        exchange.data = cast(T, read_data(response_type, envelope))

    def _report(self, exchange: Exchange[Any]) -> None:
        if self._on_exchange is not None:
            try:
                self._on_exchange(exchange)
            except Exception as error:
                # Without its text, which may hold what the hook was given.
                kind = type(error).__name__
                _log(
                    logger,
                    logging.WARNING,
                    "on_exchange raised %s; the call goes on",
                    kind,
                )
        level = logging.WARNING if exchange.error else logging.DEBUG
        if logger.isEnabledFor(level):
            about = f"{exchange.trans_type} outBizNo={exchange.out_biz_no}"
            outcome, taken = _outcome(exchange), exchange.elapsed * 1000
            line = one_line(f"{about} {outcome} in {taken:.1f} ms")
            _log(logger, level, "%s", line)


def _transport(
    dll: Optional[Path],
    python: Union[str, Sequence[str], None],
    timeout: Optional[float],
    out_buffer_size: int,
) -> Transport:
    # A process of its own is for whoever asks for one: it has to be started and kept.
    if python is None and timeout is None:
        return DllTransport(dll, out_buffer_size=out_buffer_size)
    return IsolatedDll(
        dll_name(dll),
        python=python,
        timeout=TIMEOUT if timeout is None else timeout,
        out_buffer_size=out_buffer_size,
    )


def _outcome(exchange: Exchange[Any]) -> str:
    """Return code=0, or error=BusinessError and its reason, code or return value."""
    error = exchange.error
    if error is None:
        return f"code={exchange.envelope and exchange.envelope.code}"
    kind = f"error={type(error).__name__}"
    if isinstance(error, ProtocolError):
        returned = "NULL" if error.return_value is None else cut(error.return_value)
        return f"{kind} return_value={returned}"
    facts = {name: getattr(error, name, None) for name in ("reason", "code")}
    known = [f" {name}={fact}" for name, fact in facts.items() if fact is not None]
    return kind + "".join(known)


def _warn_of_slips(request: Request[Any]) -> None:
    """Log what is sent as it is, and may be a slip: it may be right in a province."""
    for name, value in request.__dict__.items():
        if type(value) is not str:
            continue
        listed = with_leading_zero(name, value)
        if listed is not None:  # it was a number for a while, in Excel or as a C# int
            text = "%s: %s=%s is not listed, %s (%s) is"
            values = field(name), one_line(value), listed, listed.label
            _log(slips, logging.WARNING, text, request.trans_type, *values)
        elif "?" in value:  # what an encoding that lacks Chinese makes of it
            text = "%s: %s has a question mark where Chinese may have been"
            _log(slips, logging.WARNING, text, request.trans_type, field(name))


def _log(to: logging.Logger, level: int, text: str, *values: Any) -> None:
    # A filter of the program's may raise, and the transaction has taken place.
    with suppress(Exception):
        to.log(level, text, *values)


def _checked(setting: str, text: Any, limit: int) -> str:
    """Return ``text`` without the blanks that a database leaves around it."""
    stripped = text.strip(" ") if isinstance(text, str) else ""
    if 1 <= len(stripped) <= limit and stripped.isprintable():
        return stripped
    fault = _(
        "{setting} must be text of 1 to {limit} characters, "
        "none of them control characters"
    )
    name = option(setting).rstrip("=")
    raise ValueError(fault.format(setting=name, limit=limit))


# In words: these are the slips of everybody's first day, and nothing has been sent yet.
def _check_request(request: Any) -> None:
    name = type(request).__name__
    if isinstance(request, type) and issubclass(request, Request):
        text = _("give {name}(...), not the class")
        raise TypeError(text.format(name=request.__name__))
    if not isinstance(request, Request):
        text = _("a {name} is no request: give for example EcQueryRequest(...)")
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
