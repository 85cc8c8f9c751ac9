"""What can go wrong with a call.

::

    NationEcError
    ├── DllLoadError          no DLL to call: nothing was sent
    ├── DllTimeoutError       no answer by the deadline: the outcome is unknown
    ├── DllCrashError         the DLL broke down during the call: the outcome is unknown
    ├── ProtocolError         the return value is not "0000": the DLL did not get the transaction through (§5.2)
    ├── BusinessError         code is not 0: the platform refused (§7.1)
    └── ResponseFormatError   code is 0, or missing, and the answer cannot be read

A request that is wrong in itself never gets this far: making it raises ``pydantic.ValidationError``.

The text of an error names the transaction and no patient. The one thing shown as it came is what the platform
(``message``) or the DLL wrote for the cashier.
"""

from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from .codes import ReturnCode

if TYPE_CHECKING:
    from .client import Exchange


OUTCOME_UNKNOWN = (
    "The outcome is unknown: where the transaction has an outBizNo, look it up by that before calling again"
)
_PRIVATE = ("exchange", "received")


class NationEcError(Exception):
    """Any failure of a call.

    ``trans_type`` and ``out_biz_no`` say which transaction, ``exchange`` is all that was sent and received; the
    client fills them in, and they are ``None`` for what fails outside a call. ``exchange`` holds the patient's
    data, so it is left out when the error is pickled.
    """

    trans_type: Optional[str] = None
    out_biz_no: Optional[str] = None
    exchange: Optional["Exchange[Any]"] = None

    def __str__(self) -> str:
        about = ", ".join(filter(None, (self.trans_type, self.out_biz_no and f"outBizNo {self.out_biz_no}")))
        return f"{super().__str__()} [{about}]" if about else super().__str__()

    def __reduce__(self) -> Tuple[Any, ...]:
        state: Dict[str, Any] = {name: value for name, value in vars(self).items() if name not in _PRIVATE}
        return type(self), self.args, state


class DllLoadError(NationEcError):
    """The DLL cannot be loaded, so nothing was sent.

    ``reason`` is one of ``not-found``, ``not-a-library`` (or damaged, for another processor, not to be read),
    ``wrong-width`` (a library for another bitness or system), ``missing-dependency``, ``no-export`` and
    ``no-interpreter`` (isolated only: the other Python does not start); ``path`` is the file in question, empty where
    none was found.
    """

    def __init__(self, text: str, *, reason: str = "", path: str = "") -> None:
        super().__init__(text)
        self.reason = reason
        self.path = path


class DllTimeoutError(NationEcError):
    """No answer by the deadline. The transaction may have taken place: look it up by its ``out_biz_no``."""


class DllCrashError(NationEcError):
    """The DLL crashed, ended its process or wrote past ``OutData``.

    The transaction may have taken place: look it up by its ``out_biz_no``. ``received`` is what OutData held.
    """

    def __init__(self, text: str, *, received: bytes = b"") -> None:
        super().__init__(text)
        self.received = received


class ProtocolError(NationEcError):
    """The return value of ``NationEcTrans`` is not ``"0000"`` (§5.2).

    ``return_value`` is its text (``None`` for NULL), ``out_data`` the text found in OutData, empty where there
    is none: of JSON the ``message`` or ``cause`` alone, since the rest may be a patient's. Bytes that the encoding
    cannot read are shown as U+FFFD; the bytes themselves are on ``exchange``.
    """

    def __init__(self, text: str, *, return_value: Optional[str] = None, out_data: str = "") -> None:
        super().__init__(text)
        self.return_value = return_value
        self.out_data = out_data


class BusinessError(NationEcError):
    """The platform refused: ``code`` is not 0 (§4.2.4.2, §7.1).

    ``message`` is the platform's own ``message``, else its ``cause``, else the text of §7.1. ``return_code`` is
    the member of ``ReturnCode``, or ``None`` for a code that §7.1 does not list.
    """

    def __init__(self, text: str, *, code: int = 0, message: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.message = message

    @property
    def return_code(self) -> Optional[ReturnCode]:
        try:
            return ReturnCode(self.code)
        except ValueError:
            return None


class ResponseFormatError(NationEcError):
    """The answer is not what §4.2.4.2 and §5 say.

    ``missing`` has the wire names of required fields that are absent or empty, ``unreadable`` of those whose
    value cannot be read. What was received is on ``exchange``.
    """

    def __init__(self, text: str, *, missing: Tuple[str, ...] = (), unreadable: Tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.missing = missing
        self.unreadable = unreadable
