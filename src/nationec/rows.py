"""The kinds of rows in the standard's tables, as pydantic types.

Lengths are the standard's, in characters.
"""

import re
from base64 import b64encode
from string import ascii_letters, digits
from typing import Any, Dict, Union

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StrictStr
from typing_extensions import Annotated  # comes with pydantic; in typing from 3.9 on

from .json_text import unwrap
from .language import _

PHOTO_LIMIT = 102_400
"""The "100k" of photoData, in characters of base64: an image of 76,800 bytes."""

_BASE64 = (ascii_letters + digits + "+/").encode()

_CONTROLS = r"\x00-\x1f\x7f"
_TEXT_RULES: Dict[str, Any] = {"pattern": f"^[^{_CONTROLS}]*$", "strict": True}
has_control = re.compile(f"[{_CONTROLS}]").search


def filled(limit: int) -> Any:
    """Text of 1 to ``limit`` characters, as of fields that are required (必填 Y)."""
    return Field(min_length=1, max_length=limit, **_TEXT_RULES)


def may_be_empty(limit: int) -> Any:
    """Text of at most ``limit`` characters, as of other fields (必填 N)."""
    return Field(max_length=limit, **_TEXT_RULES)


def documented(limit: int) -> Any:
    """Document the length of an answer's field, and do not enforce it."""
    return Field(json_schema_extra={"maxLength": limit})


LISTED = Field(union_mode="left_to_right")
"""Read a code as the enum's member if it is listed, else as the plain text."""

ParsedJson = Annotated[Any, BeforeValidator(unwrap)]
"""JSON (扩展参数) in an answer, parsed if it arrives as text."""


def _is_base64(text: str) -> bool:
    # This takes a fifth of the time of decoding. Most of a call's time is the photo's.
    rest = text.encode("ascii", "replace").translate(None, _BASE64)
    if rest not in (b"", b"=", b"==") or len(text) % 4:
        return False
    return text.endswith(rest.decode())


def _photo(image: Union[str, bytes]) -> str:
    photo = b64encode(image).decode() if isinstance(image, bytes) else image
    if not photo:
        raise ValueError(_("the photo is empty: give None to send none"))
    if len(photo) > PHOTO_LIMIT:
        text = _(
            "{length} characters of base64, the limit is {limit}: give a smaller image"
        )
        raise ValueError(text.format(length=len(photo), limit=PHOTO_LIMIT))
    if photo is image and not _is_base64(photo):
        text = _("this is not base64 (a data URI is not either): give the bytes")
        raise ValueError(text)
    return photo


Photo = Annotated[Union[StrictStr, bytes], AfterValidator(_photo)]
"""A photo: the image as ``bytes``, or its base64."""

JsonOrText = Union[Dict[str, JsonValue], StrictStr]
"""预留 json of a request: an object, or JSON text that is sent unchanged."""
