"""The reader's language: English stands in the sources, its Chinese in ``zh``."""

import locale
import os
import sys
from contextvars import ContextVar
from functools import lru_cache

from .zh import CHINESE

on_command_line: ContextVar[bool] = ContextVar("on_command_line", default=False)
"""Whether the reader gave options to the command, and not arguments to Python."""


def _(text: str) -> str:
    """``text`` in the reader's language.

    That is ``NATIONEC_LANG`` (zh or en), else the system's.
    """
    language = os.environ.get("NATIONEC_LANG") or _system_language()
    return CHINESE.get(text, text) if language.lower().startswith("zh") else text


def option(name: str, value: str = "") -> str:
    """How the reader gives a setting: ``python=`` in a program, else ``--python``."""
    if on_command_line.get():
        return f"--{name.replace('_', '-')} {value}".rstrip()
    return f'{name}="{value}"' if value else f"{name}="


# Asked once: no program changes its user's language while it runs.
@lru_cache(maxsize=None)
def _system_language() -> str:
    if sys.platform == "win32":
        import ctypes

        # Of the user interface: the locale, of dates and numbers, may be another.
        identifier = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return locale.windows_locale.get(identifier, "")
    settings = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, settings), "")
