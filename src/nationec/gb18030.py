"""GB 18030-2022 text and bytes. Python's own codec has the mapping of 2000 and differs in nineteen places.

Those two-byte positions it decodes to private-use characters, which no font draws and no database matches, and
their real characters it encodes to four bytes that a 2022 reader takes for something else. Some of them occur
in people's names. Everything else is as Python's codec has it.
"""

# Two bytes, what Python makes of them, the character (WHATWG Encoding Standard, index-gb18030).
MENDED = (
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
_TO_REAL = {ord(private): real for _, private, real in MENDED}
_TO_PRIVATE = {ord(real): private for _, private, real in MENDED}


def encode(text: str) -> bytes:
    """``text`` as GB 18030-2022; a real character and its old private-use stand-in give the same two bytes.

    Raises ``UnicodeEncodeError`` for a lone surrogate, the only thing that GB 18030 cannot carry.
    """
    if text.isascii():
        return text.encode("ascii")
    raw = text.encode("gb18030")
    # What the old four bytes begin with. To look for one byte costs next to nothing, and common characters lack these.
    if 0x81 in raw or 0x82 in raw or 0x84 in raw:
        raw = text.translate(_TO_PRIVATE).encode("gb18030")
    return raw


def decode(raw: bytes) -> str:
    """The text of ``raw``; the two-byte and the old four-byte form both give the real character.

    Raises ``UnicodeDecodeError`` for bytes that are not GB 18030.
    """
    text = raw.decode("gb18030")
    if 0xA6 in raw or 0xA8 in raw or 0xFE in raw:  # what the two bytes begin with; in others these may come second
        for private in _TO_PRIVATE.values():
            if private in text:
                return text.translate(_TO_REAL)
    return text
