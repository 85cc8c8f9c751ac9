"""How the command is asked: argparse, in the reader's language."""

# argparse's headings and messages are English, and its messages repeat what they
# refuse, which may be a patient's. So the groups with their titles are made here, and a
# message is told anew.

import argparse
import os
import re
from typing import Any, NoReturn

from ..language import _
from ..wire import codec
from .output import InvalidRequest


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def add_usage(
        self, usage: Any, actions: Any, groups: Any, prefix: Any = None
    ) -> None:
        prefix = _("usage: ") if prefix is None else prefix
        super().add_usage(usage, actions, groups, prefix)


class Parser(argparse.ArgumentParser):
    """``arguments`` and ``options`` are its groups."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            add_help=False, allow_abbrev=False, formatter_class=_Formatter, **settings
        )
        self.arguments = self.add_argument_group(_("arguments"))
        self.options = self.add_argument_group(_("options"))
        told = _("show this help")
        self.options.add_argument("-h", "--help", action="help", help=told)

    def setting(
        self,
        name: str,
        metavar: str,
        told: str,
        *spellings: str,
        default: Any = None,
        **more: Any,
    ) -> None:
        """Add an option that may stand in the environment, as NATIONEC_ORG_ID."""
        variable = f"NATIONEC_{name.upper()}"
        self.options.add_argument(
            f"--{name.replace('_', '-')}",
            *spellings,
            metavar=metavar,
            default=os.environ.get(variable) or default,
            help=f"{told} ({variable})",
            **more,
        )

    def error(self, message: str) -> NoReturn:
        """Raise ``InvalidRequest`` for what argparse says."""
        parts = re.fullmatch("(?:argument ([^:]+): )?(.*)", message, re.DOTALL)
        name, fault = parts.groups("") if parts else ("", "")
        # What argparse lists itself stands last; a value that it repeats stands before.
        rest = re.split("choose from |: ", fault)[-1].rstrip(")").replace("'", "")
        texts = {
            "expected": _("{name}: a value must follow"),
            "ignored explicit argument": _("{name} takes no value"),
            "invalid choice": _("no such command: choose from {rest}"),
            "the following arguments are": _("{rest} must be given"),
        }
        told = [text for start, text in texts.items() if fault.startswith(start)]
        text = told[0].format(name=name, rest=rest) if told else f"{name}: {fault}"
        raise InvalidRequest(f"{text} ({self.prog} --help)")


# What is refused here is not repeated: it may have been meant for another option.


def positive(text: str) -> float:
    """The value of --timeout and --out-buffer-size."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(_("give a number, more than 0"))
    return number


def encoding(text: str) -> str:
    """The value of --encoding and --response-encoding."""
    try:
        return codec("", text)
    except ValueError:
        told = _("no char* holds JSON in that: give gb18030 (the standard's) or utf-8")
        raise argparse.ArgumentTypeError(told) from None
