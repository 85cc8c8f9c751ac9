"""The command line: argparse in the reader's language."""

# argparse writes headings and messages in English, and its messages repeat the refused
# value, which may be a patient's. So this module makes the groups and their titles, and
# replaces the messages.

import argparse
import os
import re
from typing import Any, NoReturn

from ..language import _, setting
from ..transports.isolated import TIMEOUT
from .output import InvalidRequest


class Parser(argparse.ArgumentParser):
    """A parser with the groups ``arguments`` and ``options``."""

    def __init__(self, **keywords: Any) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(
            add_help=False, allow_abbrev=False, formatter_class=formatter, **keywords
        )
        self.arguments = self.add_argument_group(_("arguments"))
        self.options = self.add_argument_group(_("options"))
        text = _("show this help")
        self.options.add_argument("-h", "--help", action="help", help=text)

    def format_help(self) -> str:
        """Return the help, in the reader's language from its first word on."""
        return super().format_help().replace("usage: ", _("usage: "), 1)

    def add_setting(self, name: str, metavar: str, text: str, **more: Any) -> None:
        """Add an option that a variable such as NATIONEC_ORG_ID can set too."""
        variable = f"NATIONEC_{name.upper()}"
        more["default"] = os.environ.get(variable) or more.get("default")
        text = f"{text} ({variable})"
        self.options.add_argument(setting(name), metavar=metavar, help=text, **more)

    def add_dll_settings(self) -> None:
        """Add the options of ``call`` and ``doctor``: where the DLL is, and its url."""
        self.add_setting("url", "URL", "业务请求地址", type=_unquoted)
        text = _("the DLL; looked for by default")
        self.add_setting("dll", "PATH", text, type=_unquoted)
        self.add_setting("python", "COMMAND", _("another Python to run the DLL in"))
        text = _("deadline, {seconds:g} s by default").format(seconds=TIMEOUT)
        self.add_setting("timeout", "SECONDS", text, type=positive, default=TIMEOUT)

    def error(self, message: str) -> NoReturn:
        """Raise ``InvalidRequest`` for argparse's message, without repeating values."""
        parts = re.fullmatch("(?:argument ([^:]+): )?(.*)", message, re.DOTALL)
        name, fault = parts.groups("") if parts else ("", "")
        rest = fault.partition(": ")[2]  # required: argparse's own list
        words = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)  # options without values
        texts = {
            "expected": _("{name}: a value must follow"),
            "ignored explicit argument": _("{name} takes no value"),
            "invalid choice": _("there is no such command"),
            "the following arguments are": _("{rest} must be given"),
            "unrecognized": _("unknown or superfluous arguments: {words}"),
        }
        found = [text for start, text in texts.items() if fault.startswith(start)]
        text = found[0] if found else "{name}: {fault}"
        text = text.format(
            name=name, fault=fault, rest=rest, words=", ".join(words) or "…"
        )
        raise InvalidRequest(f"{text} ({self.prog} --help)")


def _unquoted(text: str) -> str:
    """Remove the blanks and quotes that cmd.exe leaves around a value."""
    return text.strip(' "')


def positive(text: str) -> float:
    """Read a number. The error does not repeat the text: it may be a patient's."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(_("give a number, more than 0"))
    return number
