"""``Wire`` converts requests to bytes, and bytes to answers."""

# A request is the ``data`` of the standard's message (§4.2.4.1). pydantic writes it as
# JSON, ``in_data`` writes the head around it and encodes the whole once. An answer is
# decoded once. One JSON parser and one function read both its head and its ``data``.
#
# An answer that cannot be read raises ``ResponseFormatError``. Its text shows no value
# but the words of a gateway. An answer in UTF-8 where another encoding is expected is
# refused: a wrong guess would give a garbled name, which is worse than an error.

import codecs
import re
from contextlib import suppress
from typing import Any, Dict, List, Optional, Sequence, Type, Union

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from . import gb18030
from .errors import ResponseFormatError, format_error
from .json_text import ABSENT, parse, write
from .language import _, cut, option, setting
from .models import AnyRequest, Envelope, Request, T, field_of

Extra = Union[Dict[str, Any], str, None]
"""``extra`` of the head (§4.2.4.1): an object, or JSON text that is sent unchanged."""

_PHOTO = b'"photoData":"'
_AROUND = "\ufeff \t\r\n"  # a byte order mark, and white space
_has_chinese = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]").search
_ERROR_WORDS = "message", "cause"
_GATEWAY_WORDS = (*_ERROR_WORDS, "err_msg", "error", "status")


class Wire:
    """The encodings of a DLL and the format of its messages.

    See ``Client`` for the arguments. Raises ``ValueError`` if an encoding does not
    exist or cannot be used in a ``char*``, and for an unknown ``data_format``.
    """

    def __init__(
        self,
        encoding: str = "gb18030",
        response_encoding: Optional[str] = None,
        data_format: str = "object",
    ) -> None:
        if data_format not in ("object", "string"):
            raise ValueError(_('data_format is "object" or "string"'))
        answers_in = response_encoding or encoding
        self.encoding = _codec("encoding", encoding)
        self.response_encoding = _codec("response_encoding", answers_in)
        self._data_as_text = data_format == "string"

    def encode(self, text: str) -> bytes:
        """Encode ``text`` for the DLL.

        Raises ``ValueError`` for a character that the encoding does not have.
        """
        encoding = self.encoding
        try:
            if encoding == "gb18030":
                return gb18030.encode(text)
            return text.encode(encoding)
        except UnicodeEncodeError:
            pass  # raise outside: this error holds the request
        text = _(
            "the url or the request holds a character that {encoding} does not have: "
            "nothing was sent"
        )
        raise ValueError(text.format(encoding=encoding))

    def in_data(self, request: Request[Any], extra: Extra = None) -> bytes:
        """Write the message of §4.2.4.1.

        Raises ``ValueError`` for a value that JSON or the encoding cannot represent,
        and for an ``extra`` of more than 2,048 characters.
        """
        message = b'{"orgId":%b,"transType":%b,"data":%b%b}' % (
            _json(request.org_id),
            _json(request.trans_type),
            self._data(request),
            b"" if extra is None else self._extra(extra),
        )
        before, mark, rest = message.partition(_PHOTO)
        photo, quote, after = rest.partition(b'"')
        if not mark or self.encoding != "gb18030" or not photo.isascii():
            return self.encode(message.decode())
        # To copy the photo is faster. GB 18030 leaves ASCII as it is; not all encodings
        # do (UTF-7 writes + otherwise).
        texts = before + mark, quote + after
        start, end = (self.encode(text.decode()) for text in texts)
        return b"".join((start, photo, end))

    def _data(self, request: Request[Any]) -> bytes:
        data = _serialized(request)
        return _json(data.decode()) if self._data_as_text else data

    def _extra(self, extra: Union[Dict[str, Any], str]) -> bytes:
        text = extra if isinstance(extra, str) else _json(extra).decode()
        if len(text) > 2048:
            raise ValueError(
                _("extra has more than the 2,048 characters of the standard")
            )
        as_text = self._data_as_text or isinstance(extra, str)
        return b',"extra":' + (_json(text) if as_text else text.encode())

    def answer(self, received: bytes) -> Envelope:
        """Read the head of an answer (§4.2.4.2). Raises ``ResponseFormatError``."""
        encoding = self.response_encoding
        is_utf8 = encoding != "utf-8" and _is_utf8(received)
        text = decode(received, "utf-8" if is_utf8 else encoding)
        if text is None:
            own = option("response_encoding")
            sentence = _(
                "OutData is not {encoding}: "
                "give {setting} the DLL's own, gb18030 or utf-8"
            )
            raise format_error(sentence.format(encoding=encoding, setting=own))
        envelope = _envelope(_parsed(text.strip(_AROUND)))
        # Checked last: an answer without a code is a gateway's, whatever its encoding.
        if is_utf8:
            utf8 = option("response_encoding", "utf-8")
            sentence = _("OutData is UTF-8 and not {encoding}: give {utf8}")
            sentence = sentence.format(encoding=encoding, utf8=utf8)
            raise format_error(sentence, permanent=True)
        return envelope

    def words(self, raw: bytes) -> str:
        """Return the text that the DLL wrote for people.

        If it is JSON, return only its ``message`` or ``cause``. If it is a piece of
        JSON, return nothing, since it may be part of the request.
        """
        encoding = "utf-8" if _is_utf8(raw) else self.response_encoding
        text = decode(raw, encoding)
        if text is None:
            text = raw.decode(encoding, "replace")
        text = text.strip(_AROUND)
        if not set('{}"').intersection(text):
            return text
        try:
            answer = parse(text)
        except (ValueError, RecursionError):
            return ""
        return next(iter(_words(answer, _ERROR_WORDS)), "")


def _codec(argument: str, name: str) -> str:
    """Return Python's name of the encoding ``name``.

    Raises ``ValueError``, which names ``argument``, if the encoding does not exist or
    cannot be used in a ``char*``.
    """
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        found = codecs.lookup(name.encode("ascii").decode()).name
        # UTF-16, and encodings that write a byte order mark, do not fit.
        if "a{".encode(found) == b"a{":
            return found
    text = _(
        "{setting}: there is no encoding {name} for a char*; the standard's is gb18030"
    )
    raise ValueError(text.format(setting=setting(argument), name=repr(name)))


def decode(raw: bytes, encoding: str) -> Optional[str]:
    """Decode ``raw``; ``None`` if it is not valid in ``encoding``."""
    try:
        return gb18030.decode(raw) if encoding == "gb18030" else raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def read_data(model: Type[T], envelope: Envelope) -> T:
    """Read the ``data`` of an answer as a ``model``. Raises ``ResponseFormatError``."""
    if envelope.data is None and "encData" in (envelope.model_extra or {}):
        text = _("it is encrypted (encType, encData): have it sent unencrypted")
        raise format_error(text, permanent=True)
    return read(model, {} if envelope.data is None else envelope.data, "data")


def read(model: Type[T], value: Any, what: str) -> T:
    """Read ``value`` as a ``model``; ``what`` names it in errors.

    Raises ``ResponseFormatError``.
    """
    if not isinstance(value, dict):
        raise format_error(_("{what} is not a JSON object").format(what=what))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_input=False)
        failure = _unreadable(what, model, value, faults)
    except RecursionError:
        failure = format_error(_too_deep(what))
    except Exception as error:
        # A user's validator raised it; its text may hold a value.
        text = _("a validator of {model} raised {kind}")
        text = text.format(model=model.__name__, kind=type(error).__name__)
        failure = format_error(text)
    raise failure  # outside the except blocks, whose errors hold the answer


def _serialized(request: Request[Any]) -> bytes:
    # A user's class may declare trans_type as a field, which is not sent. In an
    # AnyRequest a field of that name is data.
    exclude = None if isinstance(request, AnyRequest) else {"trans_type"}
    try:
        # model_dump_json would make a text of this. That takes time for a photo.
        return request.__pydantic_serializer__.to_json(
            request, by_alias=True, exclude=exclude, exclude_none=True, warnings=False
        )
    except PydanticSerializationError:
        pass  # raise outside: this error may hold a value
    text = _("the request holds something that JSON cannot carry: nothing was sent")
    raise ValueError(text)


def _json(value: Any) -> bytes:
    try:
        return write(value).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # raise outside: this error may hold a value
    text = _("extra holds something that JSON cannot carry: nothing was sent")
    raise ValueError(text)


def _is_utf8(raw: bytes) -> bool:
    """Whether this is Chinese in UTF-8. It often is valid GB 18030 too, but garbled."""
    try:
        return not raw.isascii() and bool(_has_chinese(raw.decode("utf-8")))
    except UnicodeDecodeError:
        return False


def _parsed(text: str) -> Any:
    """Parse OutData. Raises ``ResponseFormatError``."""
    if not text:
        raise format_error(_("{what} is empty").format(what="OutData"))
    try:
        return parse(text)
    except RecursionError:
        sentence = _too_deep("OutData")
    except ValueError:
        # The text is not shown: it may be a patient's.
        sentence = _(
            "OutData is not JSON (error.exchange.received has it): check the url"
        )
        if text.startswith("<"):
            sentence = _("OutData is a web page (HTML): check the url")
    raise format_error(sentence, permanent=True)


def _envelope(value: Any) -> Envelope:
    if not isinstance(value, dict):
        sentence = _("{what} is not a JSON object").format(what="OutData")
        raise format_error(sentence, permanent=True)
    try:
        return read(Envelope, value, "OutData")
    except ResponseFormatError as error:
        if "code" not in (*error.missing, *error.unreadable):
            raise
        fields = {"missing": error.missing, "unreadable": error.unreadable}
    words = " ".join(_words(value, _GATEWAY_WORDS)) or _("no text")
    sentence = _("OutData has no code of the platform ({words}): check the url")
    sentence = sentence.format(words=cut(words))
    raise format_error(sentence, permanent=True, **fields)


def _words(answer: Any, names: Sequence[str]) -> List[str]:
    """Return the texts and numbers under ``names`` if ``answer`` is an object."""
    values = [answer.get(name) for name in names] if isinstance(answer, dict) else []
    return [
        str(value)
        for value in values
        if isinstance(value, (str, int)) and value not in ABSENT
    ]


def _too_deep(what: str) -> str:
    return _("{what} nests more than 200 levels deep").format(what=what)


def _unreadable(
    what: str, model: Type[T], value: Any, faults: Sequence[Any]
) -> ResponseFormatError:
    # pydantic's messages are not shown: they may hold the value.
    kinds = {field_of(each["loc"]) or model.__name__: each["type"] for each in faults}
    missing = tuple(name for name in kinds if kinds[name] == "missing")
    unreadable = tuple(name for name in kinds if kinds[name] != "missing")
    sentences = [] if value else [_("{what} is empty").format(what=what)]
    if missing:
        text = _("fields are missing: {names}")
        sentences.append(text.format(names=", ".join(missing)))
    if unreadable:
        text = _("fields have a value of the wrong kind: {names}")
        sentences.append(text.format(names=", ".join(unreadable)))
    text = _("; ").join(sentences)
    return format_error(text, missing=missing, unreadable=unreadable)
