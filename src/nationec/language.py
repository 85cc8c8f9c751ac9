"""The reader's language. Sources hold the English texts, ``zh`` holds the Chinese."""

import locale
import os
import sys
from contextvars import ContextVar

from pydantic.alias_generators import to_camel

from .zh import CHINESE

on_command_line: ContextVar[bool] = ContextVar("on_command_line", default=False)
"""Whether the reader uses the command's options, and not arguments in Python."""


def _(text: str) -> str:
    """Return ``text`` in the reader's language.

    The language is ``NATIONEC_LANG`` (zh or en), else the system's language.
    """
    language = os.environ.get("NATIONEC_LANG") or _system_language()
    return CHINESE.get(text, text) if language.lower().startswith("zh") else text


def setting(name: str) -> str:
    """Return the name of a setting: ``out_buffer_size``, or ``--out-buffer-size``."""
    return f"--{name.replace('_', '-')}" if on_command_line.get() else name


def option(name: str, value: str = "") -> str:
    """Return a setting as the reader writes it: ``python=``, or ``--python``."""
    if on_command_line.get():
        return f"{setting(name)} {value}".rstrip()
    return f'{name}="{value}"' if value else f"{name}="


def field(name: str) -> str:
    """Return a field as the reader writes it: ``office_name``, or ``officeName``."""
    return to_camel(name) if on_command_line.get() else name


def one_line(text: str) -> str:
    """Replace white space and control characters in ``text`` by single blanks.

    So text from outside cannot start a new line in an error or a log.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def cut(words: str) -> str:
    """Return ``words`` as one line, cut with … after 200 characters (§4.2.4.2)."""
    line = one_line(words)
    return line if len(line) <= 200 else f"{line[:200]}…"


def _system_language() -> str:
    if sys.platform == "win32":
        import ctypes

        # The language of the user interface. The locale (dates, numbers) may differ.
        identifier = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return locale.windows_locale.get(identifier, "")
    settings = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, settings), "")
