"""The transaction serial number that §4.2.3 recommends (医疗机构业务流水号)."""

import os
import threading
import time
from random import SystemRandom
from string import ascii_uppercase, digits

from .language import _

_ALPHABET = digits + ascii_uppercase


class _Counter:
    """Makes the time and the characters of a number, never the same pair twice."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        self.lock = threading.Lock()
        self.number = SystemRandom().getrandbits(64)
        self.second = self.first = 0

    def next(self, places: int) -> str:
        with self.lock:
            now = max(int(time.time()), self.second)  # the clock may be set back
            if now == self.second and self.number - self.first >= 36**places:
                now += 1  # this second has no number left: take those of the next
            if now > self.second:
                self.second, self.first = now, self.number
            self.number += 1
            second, number = self.second, self.number
        part = "".join(_ALPHABET[number // 36**place % 36] for place in range(places))
        return time.strftime("%Y%m%d%H%M%S", time.localtime(second)) + part


_counter = _Counter()


def new_out_biz_no(org_id: str, *, random: int = 3) -> str:
    """Return a new ``out_biz_no``: YYYYMMDDHHMMSS, ``random`` characters, ``org_id``.

    The time is local time; the characters are 0-9 and A-Z. One process never makes the
    same number twice. Two windows that make a number in the same second make the same
    one once in 36 to the power of ``random`` cases (46,656 for the three characters of
    §4.2.3). Use more characters if many windows share an organisation number.

    Raises ``ValueError`` if the number would be longer than the 64 characters of
    §5.4.3, or ``random`` is less than 1.
    """
    if random < 1:
        raise ValueError(
            _("{name} must be a whole number, at least 1").format(name="random")
        )
    if 14 + random + len(org_id) > 64:
        text = _(
            "out_biz_no would have more than 64 characters (org_id has {length}): "
            "give one of your own"
        )
        raise ValueError(text.format(length=len(org_id)))
    return _counter.next(random) + org_id


if hasattr(os, "register_at_fork"):
    # Else parent and child would make the same numbers.
    os.register_at_fork(after_in_child=_counter.start_anew)
