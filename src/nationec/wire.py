"""A request written as InData, an answer read from OutData, the DLL's own words."""

# A request is the ``data`` of the standard's message (§4.2.4.1): pydantic writes it,
# the head goes around it as text, and the whole is encoded once. An answer is decoded
# once, and one JSON parser and one function read its head and its ``data`` alike.
#
# What cannot be read is ``ResponseFormatError``. Its text names fields and settings,
# never a value. UTF-8 where another encoding is expected is refused and not guessed: a
# garbled name is the worst answer.

import codecs
from typing import Any, Dict, Optional, Type, Union

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from . import gb18030
from .errors import format_error
from .json_text import ABSENT, TooDeepError, parse, write
from .language import _, option
from .models import Envelope, Request, T

Extra = Union[Dict[str, Any], str, None]
"""``extra`` of the head (§4.2.4.1): an object, or JSON text that goes out as is."""

_AROUND = "\ufeff \t\r\n"  # a mark of the byte order, and white space


def codec(setting: str, name: str) -> str:
    """Python's own name for the encoding that the client's ``setting`` names.

    Raises ``ValueError`` for one that does not exist, or where no ``char*`` holds JSON.
    """
    try:
        found = codecs.lookup(name.encode("ascii").decode()).name
        # Not UTF-16, and nothing with a mark before it.
        fits = "a{".encode(found) == b"a{"
    except (LookupError, TypeError, ValueError, AttributeError):
        text = _("{setting}: there is no encoding {name}; the standard's is gb18030")
        raise ValueError(text.format(setting=setting, name=repr(name))) from None
    if not fits:
        text = _("{setting}: no char* holds JSON in {name}; the standard's is gb18030")
        raise ValueError(text.format(setting=setting, name=name))
    return found


def encoded(text: str, encoding: str) -> bytes:
    """``text`` for the DLL. Raises ``ValueError`` for a character that cannot go."""
    try:
        return gb18030.encode(text) if encoding == "gb18030" else text.encode(encoding)
    except UnicodeEncodeError:
        pass  # and not raised from here: it holds the request
    told = _(
        "the request holds a character that {encoding} does not have: nothing was sent"
    )
    raise ValueError(told.format(encoding=encoding))


def decoded(raw: bytes, encoding: str) -> Optional[str]:
    """The text of ``raw``, ``None`` where it is none in this encoding."""
    try:
        return gb18030.decode(raw) if encoding == "gb18030" else raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_utf8(raw: bytes) -> bool:
    """Whether this is Chinese in UTF-8, which as GB 18030 often is another text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not text.isascii() and any(map(_is_chinese, text))


def _is_chinese(character: str) -> bool:
    if character < "\U00020000":
        return "\u3400" <= character <= "\u9fff"
    return character <= "\U0003ffff"


def written(request: Request[Any], extra: Extra, data_format: str) -> str:
    """The message of §4.2.4.1.

    Raises ``ValueError`` for what JSON cannot carry, and for an ``extra`` of more than
    2,048 characters.
    """
    data = _data(request)
    if data_format == "string":
        data = write(data)
        extra = _json(extra) if isinstance(extra, dict) else extra
    head = f'"orgId":{_json(request.org_id)},"transType":{_json(request.trans_type)}'
    if extra is None:
        return f'{{{head},"data":{data}}}'
    told = _json(extra)
    if len(extra if isinstance(extra, str) else told) > 2048:
        raise ValueError(_("extra has more than the 2,048 characters of the standard"))
    return f'{{{head},"data":{data},"extra":{told}}}'


def _data(request: Request[Any]) -> str:
    try:
        return request.model_dump_json(
            by_alias=True, exclude={"trans_type"}, exclude_none=True, warnings=False
        )
    except PydanticSerializationError:
        pass  # it may hold a value
    text = _("the request holds something that JSON cannot carry: nothing was sent")
    raise ValueError(text)


def _json(value: Any) -> str:
    try:
        return write(value)
    except (TypeError, ValueError, RecursionError):
        pass  # it may hold a value
    text = _("extra holds something that JSON cannot carry: nothing was sent")
    raise ValueError(text)


def envelope(received: bytes, encoding: str) -> Envelope:
    """The head of an answer. Raises ``ResponseFormatError``."""
    text = _out_data(received, encoding)
    fault = ""
    try:
        answer = parse(text)
    except ValueError:
        fault = _("OutData is not JSON")
    except TooDeepError:
        fault = _too_deep("OutData")
    # Not from in there: the parser's error may hold a piece of the answer.
    if fault:
        raise format_error(fault)
    return read(Envelope, answer, "OutData")


def _out_data(received: bytes, encoding: str) -> str:
    """OutData as text."""
    other = encoding != "utf-8" and _is_utf8(received)
    text = None if other else decoded(received, encoding)
    if text is None:
        raise format_error(_another_encoding(encoding, other))
    text = text.strip(_AROUND)
    if not text:
        raise format_error(_("{what} is empty").format(what="OutData"))
    return text


def _another_encoding(encoding: str, is_utf8: bool) -> str:
    setting = option("response_encoding")
    utf8 = option("response_encoding", "utf-8")
    text = _(
        "OutData is not {encoding}: give {setting} the DLL's own, gb18030 or utf-8"
    )
    if is_utf8:
        text = _("OutData is UTF-8 and not {encoding}: give {utf8}")
    return text.format(encoding=encoding, setting=setting, utf8=utf8)


def _too_deep(what: str) -> str:
    return _("{what} nests more than 200 levels deep").format(what=what)


def read(model: Type[T], value: Any, what: str) -> T:
    """``value``, which is ``what`` the DLL answered, as a ``model``.

    Raises ``ResponseFormatError``.
    """
    if not isinstance(value, dict):
        raise format_error(_("{what} is not a JSON object").format(what=what))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_input=False)
        fault = ""
    except TooDeepError:
        fault = _too_deep(what)
    except Exception as error:
        # Of a validator of the user's own, whose text may hold a value.
        fault = _("a validator of {model} raised {kind}")
        fault = fault.format(model=model.__name__, kind=type(error).__name__)
    if fault:
        raise format_error(fault)
    # A field is read or it is not: what pydantic says of the value is not told.
    kinds = {}
    for each in faults:
        name = str(*each["loc"][:1]) or model.__name__
        kinds[name] = each["type"]
    missing = tuple(name for name in kinds if kinds[name] == "missing")
    unreadable = tuple(name for name in kinds if kinds[name] != "missing")
    told = [] if value else [_("{what} is empty").format(what=what)]
    if missing:
        told.append(_("fields are missing: {names}").format(names=", ".join(missing)))
    if unreadable:
        fault = _("fields have a value of the wrong kind: {names}")
        told.append(fault.format(names=", ".join(unreadable)))
    raise format_error(_("; ").join(told), missing, unreadable)


def words(raw: Optional[bytes], encoding: str) -> str:
    """What the DLL wrote for people to read.

    Of JSON its ``message`` or ``cause``; of a piece of it nothing: it may be a request.
    """
    raw = raw or b""
    text = decoded(raw, "utf-8" if _is_utf8(raw) else encoding)
    if text is None:
        text = raw.decode(encoding, "replace")
    text = text.strip(_AROUND)
    if not set('{}"').intersection(text):
        return text
    try:
        answer = parse(text)
        given = answer.get("message"), answer.get("cause")
    except (ValueError, AttributeError, TooDeepError):
        return ""
    said = next((each for each in given if each not in ABSENT), "")
    return said if isinstance(said, str) else ""
