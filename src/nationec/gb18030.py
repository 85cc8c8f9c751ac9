"""GB 18030-2022 text and bytes.

Python's own codec has the mapping of the year 2000, which differs for nineteen
characters. It decodes their two bytes to private-use characters, which no font draws
and no database matches. It encodes the real characters to four bytes, which a reader
of the 2022 edition takes for something else. Some of the nineteen occur in people's
names. For all other characters this module does what Python's codec does.
"""

import encodings.gb18030  # noqa: F401  # so that packers see it
import re

# Two bytes, what Python makes of them, the character (WHATWG's index-gb18030).
NINETEEN = (
    ("A6D9", "\ue78d", "\ufe10"),  # ︐
    ("A6DA", "\ue78e", "\ufe12"),  # ︒
    ("A6DB", "\ue78f", "\ufe11"),  # ︑
    ("A6DC", "\ue790", "\ufe13"),  # ︓
    ("A6DD", "\ue791", "\ufe14"),  # ︔
    ("A6DE", "\ue792", "\ufe15"),  # ︕
    ("A6DF", "\ue793", "\ufe16"),  # ︖
    ("A6EC", "\ue794", "\ufe17"),  # ︗
    ("A6ED", "\ue795", "\ufe18"),  # ︘
    ("A6F3", "\ue796", "\ufe19"),  # ︙
    ("A8BC", "\ue7c7", "\u1e3f"),  # ḿ
    ("FE59", "\ue81e", "\u9fb4"),  # 龴
    ("FE61", "\ue826", "\u9fb5"),  # 龵
    ("FE66", "\ue82b", "\u9fb6"),  # 龶
    ("FE67", "\ue82c", "\u9fb7"),  # 龷
    ("FE6D", "\ue832", "\u9fb8"),  # 龸
    ("FE7E", "\ue843", "\u9fb9"),  # 龹
    ("FE90", "\ue854", "\u9fba"),  # 龺
    ("FEA0", "\ue864", "\u9fbb"),  # 龻
)
_TO_REAL = {ord(private): real for _, private, real in NINETEEN}
_TO_PRIVATE = {ord(real): private for _, private, real in NINETEEN}
_has_private = re.compile(f"[{''.join(_TO_PRIVATE.values())}]").search
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
