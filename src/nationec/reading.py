"""What came back, read: text in the DLL's encoding, JSON as it comes, the head and the data of an answer (§4.2.4.2).

Lenient with everything that has been seen of DLLs and platforms; what cannot be read is ``ResponseFormatError``.
"""

import codecs
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NoReturn, Optional, Tuple, Type

from pydantic import ValidationError

from .codes import ReturnCode
from .errors import ResponseFormatError
from .gb18030 import decode, encode

if TYPE_CHECKING:
    from .transactions import T

_ABSENT = ("", None, "null")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Contradiction(ValueError):
    pass


class _Fraction(float):
    """A number with a point or an exponent: where text is expected, it has the digits that it came with."""

    def __init__(self, digits: str) -> None:
        self.digits = digits

    def __str__(self) -> str:
        return self.digits


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """What JSON leaves open: a key that stands twice is read where its values agree, or one of them is absent."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if found[name] in _ABSENT:
                found[name] = value
            elif value not in _ABSENT and value != found[name]:
                raise _Contradiction
    return found


# Lenient with raw control characters in strings.
_NOT_JSON = (ValueError, RecursionError)
_LENIENT: Dict[str, Any] = {"strict": False, "parse_float": _Fraction, "parse_constant": _no_constant}
_parse = json.JSONDecoder(object_pairs_hook=_object, **_LENIENT).decode
_parse_quickly = json.JSONDecoder(**_LENIENT).raw_decode

# Where JSON, or a piece of it, begins in what the DLL wrote; and how a piece goes on that began in a string.
_json_in = re.compile(r"""[{}]|\[\s*["{[]|\\?"\s*[]:}]""").search
_AROUND = "\ufeff \t\r\n\v\f\u3000"

# What an answer in UTF-8 is told by, where its bytes can be read as GB 18030 too: Chinese, and nothing else.
_ideograph = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]").search
_chinese = re.compile(
    "[\0-\x7f\xb7\u2014-\u2026\u3000-\u3011\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e\U00020000-\U0003ffff]*"
).fullmatch

_OF_THE_STANDARD: Dict[int, str] = {code: code.label for code in ReturnCode}

_surrogates = re.compile("[\ud800-\udfff]")


@dataclass
class Envelope:
    """The head of an answer (§4.2.4.2).

    ``code`` is any integer, also written as text, where the table has four digits and §7.1 six. ``message`` is its
    ``message``, else ``cause``, else the text of §7.1. ``org_id`` may be ``None``: Y in the table, and not in the
    example of §5.3.5.2. ``extra`` is parsed where it is JSON text.
    """

    code: int
    message: str = field(repr=False)
    org_id: Optional[str] = field(default=None, repr=False)
    extra: Any = field(default=None, repr=False)


class Encoding:
    """The DLL's encoding: what is written in it, and what is read from it."""

    def __init__(self, name: str) -> None:
        try:
            fits = "a{".encode(name) == b"a{"  # not UTF-16, nothing with a mark before it
        except (LookupError, ValueError):
            fits = False
        if not fits:
            raise ValueError(f"encoding: {name!r} is none that a char* can hold JSON in: leave it out, it is gb18030")
        standard = codecs.lookup(name).name  # Python's gb18030 goes by many names, and all of them mean ours here
        self.name = name
        self._utf8 = standard == "utf-8"
        gb = standard == "gb18030"
        self.encode: Callable[[str], bytes] = encode if gb else lambda text: text.encode(name)
        self.decode: Callable[[bytes], str] = decode if gb else lambda raw: raw.decode(name)

    def encoded(self, text: str, what: str) -> bytes:
        try:
            return self.encode(text)
        except UnicodeEncodeError:
            pass  # and not raised from here: it holds the request
        raise ValueError(f"the {what} holds a character that {self.name} does not have")

    def words(self, raw: Optional[bytes], sent: bytes, received: bytes) -> str:
        """What the DLL wrote for people to read. JSON is not, nor is a piece of what it was sent or has answered: they
        may hold a patient's data."""
        raw = (raw or b"").strip()
        text = None if self._is_utf8(raw) else self._decoded(raw)
        if text is None:
            text = raw.decode("utf-8" if self._is_utf8(raw) else self.name, "replace")
        text = text.strip(_AROUND)
        if text.startswith("{"):
            answer = _parsed(text)
            return _message(answer) if isinstance(answer, dict) else ""
        if re.fullmatch("[+-]?[0-9]{1,6}", text):
            return text
        try:
            again = self.encode(text)  # a piece in another encoding than this
        except UnicodeEncodeError:
            again = raw
        for piece in (raw, again):
            if piece in sent or (piece in received and raw != received.strip() and b"{" in received):
                return ""
        json_at = _json_in(text)
        if json_at is None:
            return text
        before = text[: json_at.start()]
        return before.strip() if json_at[0][0] in "{[" and before.count('"') % 2 == 0 else ""

    def _decoded(self, raw: bytes) -> Optional[str]:
        try:
            return self.decode(raw)
        except UnicodeDecodeError:
            return None

    def _is_utf8(self, raw: bytes) -> bool:
        """Whether these bytes are UTF-8 although another encoding is expected, which hardly ever reads as Chinese."""
        if raw.isascii() or self._utf8:
            return False
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return False
        if raw.startswith(codecs.BOM_UTF8):
            return True
        return self._decoded(raw) is None or (_ideograph(text) is not None and _chinese(text) is not None)

    def answer(self, received: bytes) -> Dict[str, Any]:
        if not received.strip():
            raise _unreadable("OutData is empty")
        if self._is_utf8(received):
            if not received.startswith(codecs.BOM_UTF8):  # which says itself what it is
                raise _unreadable(f'OutData is UTF-8 and not {self.name}: give Client encoding="utf-8"')
            text: Optional[str] = received.decode("utf-8")
        else:
            text = self._decoded(received)
        if text is None:
            raise _unreadable(f"OutData is not {self.name}")
        answer = _parsed(text.strip(_AROUND))
        if answer is _Contradiction:
            raise _unreadable(_TWICE)
        if answer is ValueError:
            raise _unreadable("OutData is not JSON")
        if not isinstance(answer, dict):
            raise _unreadable("OutData is JSON, but not an object")
        return answer


def _unreadable(fault: str, missing: Tuple[str, ...] = (), unreadable: Tuple[str, ...] = ()) -> ResponseFormatError:
    return ResponseFormatError(
        f"the answer cannot be read: {fault}. It is on error.exchange.received, for whoever maintains the platform",
        missing=missing,
        unreadable=unreadable,
    )


_TWICE = "it has a key twice, with different values"


def _parsed(text: str) -> Any:
    """The value, or what is the matter: not raised, since the parser's own error holds the text."""
    try:
        text = text.strip(" \t\r\n")
        value, end = _parse_quickly(text)
        if type(value) is dict and end == len(text):
            # As many keys as colons: none stands twice. Else ``_object`` looks, which makes parsing half as slow again.
            data = value.get("data")
            if text.count(":") == len(value) + (len(data) if type(data) is dict else 0):
                return value
        return _parse(text)
    except _Contradiction:
        return _Contradiction
    except _NOT_JSON:
        return ValueError


def _printable(text: str) -> str:
    """``text`` with what JSON's escapes can say and no encoding can carry as U+FFFD."""
    return text if text.isascii() else _surrogates.sub("\ufffd", text)


def envelope_of(answer: Dict[str, Any]) -> Envelope:
    code: Any = answer.get("code")
    if code in _ABSENT:
        raise _unreadable("it has no code")
    if type(code) is not int:
        code = _integer(code)
    # The standard's have six digits. More than ten may be somebody's ID or telephone number.
    if code is None or not -(10**10) < code < 10**10:
        raise _unreadable("its code is not an integer")
    org_id, extra = answer.get("orgId"), answer.get("extra")
    return Envelope(
        code,
        _message(answer) or _OF_THE_STANDARD.get(code, ""),
        str(org_id) if isinstance(org_id, (str, int, float)) and org_id not in _ABSENT else None,
        None if extra in _ABSENT else unwrapped(extra),
    )


def _integer(code: Any) -> Optional[int]:
    if isinstance(code, str):
        digits = re.fullmatch(r"\s*([+-]?[0-9]{1,18})\s*", code)
        return digits and int(digits[1])  # int has another idea of white space
    return int(code) if isinstance(code, float) and code.is_integer() else None


def _message(answer: Dict[str, Any]) -> str:
    for name in ("message", "cause"):
        words = answer.get(name)
        if words not in _ABSENT:
            if not isinstance(words, str):
                try:
                    words = json.dumps(words, ensure_ascii=False)
                except RecursionError:
                    continue
            return _printable(words)
    return ""


def unwrapped(value: Any) -> Any:
    """``value``, parsed as often as it is JSON text."""
    while isinstance(value, str):
        parsed = _parsed(value)
        if parsed in (ValueError, _Contradiction):
            break
        value = parsed
    return value


def data_of(data: Any, response_type: "Type[T]") -> "T":
    data = unwrapped(data)
    if isinstance(data, str) and _parsed(data) is _Contradiction:
        raise _unreadable(_TWICE)
    if data not in _ABSENT and not isinstance(data, dict):
        raise _unreadable("its data is not an object")
    data = data or {}
    try:
        return response_type.__pydantic_validator__.validate_python(data)  # type: ignore[no-any-return]
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    except Exception as error:  # of a validator of the user's own: its text may hold what it was given
        faults, kind = [], type(error).__name__
    if not faults:
        raise _unreadable(f"a validator of {response_type.__name__} raised {kind}")
    readable = {_printable(name): value for name, value in data.items()}
    if readable.keys() != data.keys():
        return data_of(readable, response_type)
    # A field of a response is read or it is not: what pydantic says of the value stays out of the error.
    missing = tuple(str(fault["loc"][0]) for fault in faults if fault["type"] == "missing")
    wrong = [fault["loc"] for fault in faults if fault["type"] != "missing"]
    unreadable = tuple(dict.fromkeys(str(*loc[:1]) or response_type.__name__ for loc in wrong))
    told = ["it has no data"] if not data else []
    told += [f"required fields are missing: {', '.join(missing)}"] if missing else []
    told += [f"fields have a value of the wrong kind: {', '.join(unreadable)}"] if unreadable else []
    raise _unreadable("; ".join(told), missing, unreadable)
