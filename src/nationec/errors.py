"""What can go wrong with a call, and what to say about it.

::

    NationEcError
    ├── DllLoadError          no DLL to call: nothing was sent
    ├── DllTimeoutError       no answer by the deadline: the outcome is unknown
    ├── DllCrashError         the DLL broke down during the call: the outcome is unknown
    ├── ProtocolError         the return value is not "0000": the call failed (§5.2)
    ├── BusinessError         code is not 0: the platform refused (§7.1)
    └── ResponseFormatError   code is 0, or missing, and the answer cannot be read

These are not raised for an invalid request: making it raises
``pydantic.ValidationError``.

The text of an error is one line in the reader's language: what happened, then what to
do. It names the transaction, but no patient. Only the words that the platform
(``message``) or the DLL wrote for the operator are quoted.
"""

from typing import Any, Dict, Mapping, Optional, Tuple

from .codes import ADVICE, ReturnCode
from .exchange import Exchange
from .language import _, cut, one_line, option
from .zh import CHINESE

# These attributes hold personal data. No text, ``args`` or pickle includes them.
_PRIVATE = ("exchange", "received")

# The advice for these codes also says what happened. For other codes the platform's
# message says it.
_ADVICE_SAYS_ALL = (
    ReturnCode.INVALID_PARAMETER,
    ReturnCode.RATE_LIMITED,
    ReturnCode.QRCODE_TOKEN_EXPIRED,
    ReturnCode.QRCODE_INVALID,
    ReturnCode.EC_QRCODE_REQUIRED,
    ReturnCode.PASSWORD_NOT_NEEDED,
)


class NationEcError(Exception):
    """Any failure of a call.

    ``trans_type`` and ``out_biz_no`` identify the transaction, ``exchange`` is all that
    was sent and received. The client fills them in; they are ``None`` for an error
    outside a call.

    ``args`` are the text and a ``dict`` of the attributes, both plain JSON. Celery
    rebuilds the error from them: ``type(error)(*error.args)``. Neither ``args`` nor a
    pickle holds ``exchange``, since it has the patient's data.
    """

    trans_type: Optional[str] = None
    out_biz_no: Optional[str] = None
    exchange: Optional[Exchange[Any]] = None
    repeatable: bool = False
    """``Request.repeatable`` of the transaction."""
    operator_action: str = "操作"
    """``Request.operator_action`` of the transaction."""
    outcome_unknown: bool = False
    """Whether the transaction may have taken place: true after a timeout, a crash, an
    answer that cannot be read, and code -3."""

    def __init__(
        self, text: str = "", facts: Optional[Mapping[str, Any]] = None, /, **more: Any
    ) -> None:
        super().__init__(text, {})
        self._update({**(facts or {}), **more})

    def _update(self, facts: Dict[str, Any]) -> None:
        vars(self).update(facts)
        public = {name: fact for name, fact in facts.items() if name not in _PRIVATE}
        self.args = self.args[0], {**self.args[1], **public}

    def attach(self, exchange: Exchange[Any]) -> None:
        """Fill in the call that failed."""
        facts = {
            "exchange": exchange,
            "trans_type": exchange.trans_type,
            "out_biz_no": exchange.out_biz_no,
            "repeatable": exchange.request.repeatable,
            "operator_action": exchange.request.operator_action,
        }
        self._update(facts)

    @property
    def for_operator(self) -> str:
        """One sentence for the operator (收款员): what happened, what to do.

        It is Chinese in every language setting, and names no path, address or patient.
        """
        if not self.outcome_unknown:
            return self._operator_sentence()
        if self.repeatable:
            return f"未收到结果，本次不产生费用，请重新{self.operator_action}"
        if self.out_biz_no:
            number = one_line(self.out_biz_no)
            return f"结果未知，请勿重复操作，请核对业务流水号 {number}"
        return "结果未知，请勿重复操作，请联系信息科核对"

    def _operator_sentence(self) -> str:
        return "医保交易未完成，请稍后重试；仍不成功请联系信息科"

    def __str__(self) -> str:
        text = self.args[0]
        if self.outcome_unknown:
            text = _("{what}. {then}").format(what=text, then=self._what_now())
        number = self.out_biz_no and f"outBizNo {self.out_biz_no}"
        about = ", ".join(filter(None, (self.trans_type, number)))
        return one_line(f"{text} [{about}]" if about else text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def _what_now(self) -> str:
        if self.repeatable:
            return _(
                "The outcome is unknown, but it settles nothing: it may be done again"
            )
        if self.out_biz_no:
            return _(
                "The outcome is unknown: "
                "look it up by its outBizNo before it is done again"
            )
        return _("The outcome is unknown: find out before it is done again")

    # A pickle may go to other machines. ``args`` hold no personal data.
    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), self.args


class DllLoadError(NationEcError):
    """The DLL cannot be loaded, so nothing was sent.

    ``reason`` is ``not-found``, ``not-a-library`` (also a DLL that is damaged, for
    another processor, or not readable), ``wrong-width`` (a library for another bitness
    or system), ``missing-dependency``, ``no-export``, ``no-folder`` (``cwd`` cannot be
    entered), ``no-interpreter`` (the other Python does not start) or ``cancelled``
    (``cancel`` ended its start). ``path`` is the file, folder or Python that this is
    about; it may be empty.
    """

    reason: str = ""
    path: str = ""

    def _operator_sentence(self) -> str:
        if self.reason == "cancelled":
            return "已取消，本次未发送，可重新操作"
        return "医保动态库无法加载，请联系信息科"


class DllTimeoutError(NationEcError):
    """No answer by the deadline. The transaction may have taken place."""

    outcome_unknown = True


class DllCrashError(NationEcError):
    """The DLL crashed, ended its process, wrote past OutData, or was cancelled.

    The transaction may have taken place. ``reason`` is ``crashed``, ``ended`` (the DLL
    ended its process), ``past-out-data`` or ``cancelled``. ``received`` is the content
    of OutData.
    """

    reason: str = ""
    received: bytes = b""
    outcome_unknown = True


class ProtocolError(NationEcError):
    """The return value of ``NationEcTrans`` is not ``"0000"`` (§5.2).

    ``return_value`` is its text, ``None`` for NULL. ``out_data`` is the text in
    OutData, or empty. Both are without the blanks around them. Of JSON they have only
    ``message`` or ``cause``, since the rest may be a patient's. Bytes that are not
    valid in the encoding are shown as U+FFFD; ``exchange`` has the bytes.
    """

    return_value: Optional[str] = None
    out_data: str = ""


class BusinessError(NationEcError):
    """The platform refused: ``code`` is not 0 (§4.2.4.2, §7.1).

    ``message`` is the platform's own ``message``, else its ``cause``, else the text of
    §7.1. Code -3 (服务端请求超时) is not a refusal: ``outcome_unknown`` is true.
    """

    code: int = 0
    message: str = ""

    @property
    def outcome_unknown(self) -> bool:  # type: ignore[override]
        """Whether ``code`` is -3: the platform does not know the outcome."""
        return self.code == ReturnCode.SERVER_TIMEOUT

    @property
    def return_code(self) -> Optional[ReturnCode]:
        """The member for ``code``, ``None`` if §7.1 does not list it."""
        return ReturnCode.listed(self.code)

    def _operator_sentence(self) -> str:
        advice = CHINESE[ADVICE[self.code]] if self.code in ADVICE else ""
        if self.code in _ADVICE_SAYS_ALL:
            return advice
        if not self.message:
            return f"医保平台未说明原因（{self.code}），{advice or '请联系信息科'}"
        advice = advice or "请按其提示处理；仍不成功请联系信息科"
        return f"医保平台提示：{cut(self.message)}（{self.code}），{advice}"


class ResponseFormatError(NationEcError):
    """The answer is not what §4.2.4.2 and §5 define. ``exchange`` holds the answer.

    ``missing`` lists required fields that are absent or empty, ``unreadable`` lists
    fields whose value cannot be read; both hold wire names. ``permanent`` is true if
    repeating the call cannot help: a gateway or a web page answered, or a setting is
    wrong.
    """

    missing: Tuple[str, ...] = ()
    unreadable: Tuple[str, ...] = ()
    permanent: bool = False
    outcome_unknown = True

    @property
    def for_operator(self) -> str:
        """See ``NationEcError``. If ``permanent``, it does not say to try again."""
        if self.permanent and self.repeatable:
            return "未收到结果，本次不产生费用，请联系信息科"
        return super().for_operator


# The functions below make the sentences: what happened, then what to do, then paths and
# lists. The transports pass what happened as a reason and its facts.


def load_error(reason: str, path: str = "", **facts: Any) -> DllLoadError:
    """Make the ``DllLoadError`` for a reason and its facts.

    ``how`` is the key of the sentence if a reason has several, ``places`` are the paths
    that were searched, ``version`` and ``bits`` are those of the other Python.
    """
    texts = {**_search_texts(), **_dll_texts(), **_python_texts()}
    names = {"dll": option("dll"), "python": option("python"), "path": path, **facts}
    text = texts[facts.get("how", reason)].format(**names)
    if "places" in facts:
        places = ", ".join(facts["places"][:5])
        text += _(". Looked in: {places}").format(places=places)
    if "bits" in facts:
        text += _(" (in Python {version}, {bits}-bit: {command})").format(**facts)
    return DllLoadError(text, reason=reason, path=path)


# The keys are reasons of DllLoadError, or what ``how`` says of one.


def _search_texts() -> Dict[str, str]:
    return {
        "not-found": _(
            "{name} was not found, and the current directory's is never taken: "
            "give {dll} its full path, or set NATIONEC_DLL to it"
        ),
        "no-file": _(
            "there is no such file: give {dll} the full path of the DLL ({path})"
        ),
        "folder": _(
            "this is a folder: give {dll} the full path of the DLL in it ({path})"
        ),
    }


def _dll_texts() -> Dict[str, str]:
    return {
        "not-a-library": _(
            "the DLL cannot be read as a library: "
            "it is damaged, for another processor, "
            "or not readable for this user. Install it anew ({path}: {detail})"
        ),
        "wrong-width": _(
            "the DLL is {width}-bit and this Python is {own_width}-bit: "
            "give {python} the path of a {width}-bit Python ({path})"
        ),
        "wrong-system": _(
            "the DLL is for {system} and this Python is for {own_system}: "
            "give {python} the command of a {width}-bit Python for {system} ({path})"
        ),
        "missing-dependency": _(
            "a library that the DLL needs is missing or does not fit: "
            "install it ({detail})"
        ),
        "missing-on-windows": _(
            "a library that the DLL needs is missing or does not fit: "
            "put all that came with the DLL (libeay32.dll, ssleay32.dll, ...) "
            "into its folder, and install its Visual C++ runtime; "
            "nationec doctor says which one ({path}: {detail})"
        ),
        "no-export": _(
            "this DLL has no NationEcTrans: "
            "give {dll} the path of NationECCode.dll ({path})"
        ),
        "no-folder": _(
            "the current directory cannot be changed: "
            "check that the folder exists and may be entered ({path}: {detail})"
        ),
    }


def _python_texts() -> Dict[str, str]:
    return {
        "absent": _(
            "{command} does not start: give {python} the command of a Python ({detail})"
        ),
        "late": _(
            "{command} did not start within {seconds:g} s: "
            "give {python} a CPython from 3.8 on"
        ),
        "ended": _(
            "{command} ended as it started: "
            "give {python} a CPython from 3.8 on ({detail})"
        ),
        "no-sources": _(
            "{command} needs the sources of nationec, and this program has none: "
            "pack them with it (see nationec guide)"
        ),
        "cancelled": _("the start of {command} was cancelled"),
    }


def crash_error(reason: str, received: bytes = b"", **facts: Any) -> DllCrashError:
    """Make the ``DllCrashError`` for a reason and its facts."""
    texts = {
        "crashed": _("the DLL crashed ({detail})"),
        "ended": _("the DLL ended its process ({detail})"),
        "cancelled": _("the call was cancelled"),
        "past-out-data": _(
            "the DLL wrote past the {size:,} bytes of OutData: give a larger {option}; "
            "a program that has loaded the DLL itself must be started anew"
        ),
    }
    text = texts[reason].format(option=option("out_buffer_size"), **facts)
    return DllCrashError(text, reason=reason, received=received)


def timeout_error(seconds: float) -> DllTimeoutError:
    """Make the error for a call that took longer than ``seconds``."""
    text = _("the DLL has not answered within {seconds:g} s, and its process was ended")
    return DllTimeoutError(text.format(seconds=seconds))


def protocol_error(return_value: Optional[str], out_data: str) -> ProtocolError:
    """Make the error for a return value other than ``0000``; see ``Wire.words``."""
    value = "NULL" if return_value is None else cut(return_value) or _("no text")
    # The bytes differ from 0000, for example by blanks, but the text looks the same.
    if return_value == "0000":
        value = _("0000 and more around it")
    if out_data:
        text = _("{value} ({words})")
        value = text.format(value=value, words=cut(out_data))
    text = _(
        "NationEcTrans returned {value}, not 0000: "
        "check the url and the network, then try again"
    )
    text = text.format(value=value)
    return ProtocolError(text, return_value=return_value, out_data=out_data)


def business_error(code: int, message: str) -> BusinessError:
    """Make the error for a ``code`` other than 0."""
    advice = ReturnCode(code).advice if code in ADVICE else None
    # Not a refusal: the platform waited too long for another system.
    if code == ReturnCode.SERVER_TIMEOUT:
        text = _("{code} the platform did not finish in time")
    elif advice:
        text = _("the platform says: {code} {message}. {advice}")
    elif message:
        text = _("the platform says: {code} {message}")
    else:
        text = _(
            "the platform says no more than code {code}: "
            "ask whoever runs it what it means"
        )
    text = text.format(code=code, message=cut(message), advice=advice)
    return BusinessError(text, code=code, message=message)


def format_error(sentence: str, **facts: Any) -> ResponseFormatError:
    """Make the error for an answer that cannot be read; ``sentence`` says why."""
    text = _("the answer cannot be read: {fault}").format(fault=sentence)
    return ResponseFormatError(text, **facts)
