"""The transaction serial number that §4.2.3 recommends (医疗机构业务流水号)."""

import os
import threading
import time
from datetime import datetime, timedelta
from random import choices
from string import ascii_uppercase, digits
from typing import Set

_ALPHABET = digits + ascii_uppercase
_PER_SECOND = len(_ALPHABET) ** 3

_lock = threading.Lock()
_second = datetime.min
_given: Set[str] = set()  # the random parts given out in that second


def new_out_biz_no(org_id: str) -> str:
    """A new ``out_biz_no``: the local time as YYYYMMDDHHMMSS, three random characters (0-9, A-Z), ``org_id``.

    Never the same twice in one process, from however many threads. When the 46,656 numbers of a second are used
    up it waits for the next second. Two processes that share an ``org_id`` may, with a chance of 1 in 46,656 for
    each pair of numbers made in the same second, make the same one: a HIS with a sequence of its own can put its
    number into ``out_biz_no`` instead.

    Raises ``ValueError`` when the whole would be longer than the 64 characters of §5.4.3: an ``org_id`` of more
    than 47.
    """
    global _second
    if len(org_id) > 47:
        raise ValueError(
            f"an org_id of {len(org_id)} characters makes an out_biz_no of more than 64: "
            "give an org_id of at most 47 characters, or an out_biz_no of your own"
        )
    while True:
        with _lock:
            now = datetime.now()
            full = len(_given) == _PER_SECOND
            if full and now < _second:  # the clock was set back: waiting for it could take hours
                now = _second + timedelta(seconds=1)
            if now.replace(microsecond=0) > _second:
                _second = now.replace(microsecond=0)
                _given.clear()
                full = False
            if not full:
                part = "".join(choices(_ALPHABET, k=3))
                while part in _given:
                    part = "".join(choices(_ALPHABET, k=3))
                _given.add(part)
                return f"{_second:%Y%m%d%H%M%S}{part}{org_id}"
        time.sleep(0.01)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
