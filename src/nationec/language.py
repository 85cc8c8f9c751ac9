"""The reader's language: English stands in the sources, its Chinese in ``zh``."""

import locale
import os
import sys
from contextvars import ContextVar
from functools import lru_cache

from pydantic.alias_generators import to_camel

from .zh import CHINESE

SHOWN = 200
"""Characters of the platform's or the DLL's words in a text, as §4.2.4.2 allows."""

on_command_line: ContextVar[bool] = ContextVar("on_command_line", default=False)
"""Whether the reader gave options to the command, and not arguments to Python."""


def _(text: str) -> str:
    """Return ``text`` in the reader's language.

    That is ``NATIONEC_LANG`` (zh or en), else the system's.
    """
    language = os.environ.get("NATIONEC_LANG") or _system_language()
    return CHINESE.get(text, text) if language.lower().startswith("zh") else text


def option(name: str, value: str = "") -> str:
    """Name a setting as the reader gives it: ``python=``, or ``--python``."""
    if on_command_line.get():
        return f"--{name.replace('_', '-')} {value}".rstrip()
    return f'{name}="{value}"' if value else f"{name}="


def field(name: str) -> str:
    """Name a field as the reader writes it: ``office_name``, or ``officeName``."""
    return to_camel(name) if on_command_line.get() else name


def one_line(text: str) -> str:
    """Return ``text`` with white space and control characters as single blanks.

    Nothing that came from outside may make a line of its own.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def cut(words: str) -> str:
    """Return ``words`` of the platform or the DLL as one line of 200 characters."""
    line = one_line(words)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


# Asked once: no program changes its user's language while it runs.
@lru_cache(maxsize=None)
def _system_language() -> str:
    if sys.platform == "win32":
        import ctypes

        # The user interface's: the locale, for dates and numbers, may be another.
        identifier = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return locale.windows_locale.get(identifier, "")
    settings = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, settings), "")
