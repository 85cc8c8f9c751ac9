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
_has_private = re.compile(f"[{PRIVATE}]").search  # much faster than to translate
_has_real = re.compile(f"[{REAL}]").search


def encode(text: str) -> bytes:
    """Encode ``text`` as GB 18030-2022.

    A real character and its old private-use stand-in give the same two bytes. Raises
    ``UnicodeEncodeError`` for a lone surrogate, the only thing that GB 18030 cannot
    carry.
    """
    if _has_real(text):
        text = text.translate(_TO_PRIVATE)
    return text.encode("gb18030")


def decode(raw: bytes) -> str:
    """Decode ``raw`` as GB 18030-2022.

    The two bytes and the old four bytes both decode to the real character. Raises
    ``UnicodeDecodeError`` for bytes that are not GB 18030.
    """
    text = raw.decode("gb18030")
    return text.translate(_TO_REAL) if _has_private(text) else text
