"""GB 18030-2022 text and bytes.

Python's own codec has the mapping of the year 2000, which differs for nineteen
characters. It decodes their two bytes to private-use characters, which no font draws
and no database matches. It encodes the real characters to four bytes, which a reader
of the 2022 edition takes for something else. Some of the nineteen occur in people's
names. For all other characters this module does what Python's codec does.
"""

import encodings.gb18030  # noqa: F401  # so that packers see it
import re

# What Python makes of their two bytes, and the characters (WHATWG's index-gb18030).
PRIVATE = (
    "\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796"
    "\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864"
)
REAL = "︐︒︑︓︔︕︖︗︘︙ḿ龴龵龶龷龸龹龺龻"
_TO_REAL = str.maketrans(PRIVATE, REAL)
_TO_PRIVATE = str.maketrans(REAL, PRIVATE)
_has_private = re.compile(f"[{PRIVATE}]").search
# Encoded, each of the nineteen begins with one of these. Searching bytes is fast.
_STARTS_OF_TWO = b"\xa6", b"\xa8", b"\xfe"
_STARTS_OF_FOUR = b"\x81\x35", b"\x82\x35", b"\x84\x31"


def encode(text: str) -> bytes:
    """Encode ``text`` as GB 18030-2022.

    A real character and its old private-use stand-in give the same two bytes. Raises
    ``UnicodeEncodeError`` for a lone surrogate, the only thing that GB 18030 cannot
    carry.
    """
    raw = text.encode("gb18030")
    if any(map(raw.__contains__, _STARTS_OF_FOUR)):
        raw = text.translate(_TO_PRIVATE).encode("gb18030")
    return raw


def decode(raw: bytes) -> str:
    """Decode ``raw`` as GB 18030-2022.

    The two bytes and the old four bytes both decode to the real character. Raises
    ``UnicodeDecodeError`` for bytes that are not GB 18030.
    """
    text = raw.decode("gb18030")
    if any(map(raw.__contains__, _STARTS_OF_TWO)) and _has_private(text):
        return text.translate(_TO_REAL)
    return text
