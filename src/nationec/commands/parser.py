"""The command line: all commands and their options, in the reader's language."""

# argparse writes headings and messages in English, and its messages repeat the refused
# value, which may be a patient's. So this module makes the groups and their titles, and
# replaces the messages.

import argparse
import os
import re
from typing import Any, Dict, NoReturn

from .. import __version__
from ..language import _, setting
from ..transports.dll import OUT_BUFFER_SIZE
from ..transports.isolated import TIMEOUT
from . import call, codes, demo, doctor, examples, guide
from .output import InvalidRequest


class _Parser(argparse.ArgumentParser):
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

    def add(self, name: str, text: str, **more: Any) -> None:
        """Add an option, or an argument if its name has no dashes."""
        group = self.options if name.startswith("-") else self.arguments
        group.add_argument(name, help=text, **more)

    def add_setting(self, name: str, metavar: str, text: str, **more: Any) -> None:
        """Add an option that a variable such as NATIONEC_ORG_ID can set too."""
        variable = f"NATIONEC_{name.upper()}"
        more["default"] = os.environ.get(variable) or more.get("default")
        self.add(setting(name), f"{text} ({variable})", metavar=metavar, **more)

    def add_dll_settings(self) -> None:
        """Add the options of ``call`` and ``doctor``: where the DLL is, and its url."""
        self.add_setting("url", "URL", "业务请求地址", type=_unquoted)
        text = _("the DLL; looked for by default")
        self.add_setting("dll", "PATH", text, type=_unquoted)
        self.add_setting("python", "COMMAND", _("another Python to run the DLL in"))
        text = _("deadline, {seconds:g} s by default").format(seconds=TIMEOUT)
        self.add_setting("timeout", "SECONDS", text, type=_positive, default=TIMEOUT)

    def error(self, message: str) -> NoReturn:
        """Raise ``InvalidRequest`` for argparse's message, without repeating values."""
        about, _colon, fault = message.partition(": ")
        name = about.replace("argument ", "", 1)
        # Unknown options, without their values.
        words = ", ".join(re.findall(r"(?<!\S)--[a-z][a-z-]*", fault)) or "…"
        texts = {
            "the following arguments are required: ": _("{fault} must be given"),
            "unrecognized": _("unknown or superfluous arguments: {words}"),
            f"{about}: expected": _("{name}: a value must follow"),
            f"{about}: ignored explicit argument": _("{name} takes no value"),
            f"{about}: invalid choice": _("there is no such command"),
        }
        found = [text for start, text in texts.items() if message.startswith(start)]
        text = found[0] if found else "{name}: {fault}"
        text = text.format(name=name, fault=fault, words=words)
        raise InvalidRequest(f"{text} ({self.prog} --help)")


def _unquoted(text: str) -> str:
    """Remove the blanks and quotes that cmd.exe leaves around a value."""
    return text.strip(' "')


def _positive(text: str) -> float:
    """Read a number. The error does not repeat the text: it may be a patient's."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(_("give a number, more than 0"))
    return number


def command_line() -> argparse.ArgumentParser:
    """Return the parser. It sets ``run``, the function of the command."""
    about = _("医保电子凭证 through NationECCode.dll")
    parser = _Parser(prog="nationec", description=about)
    text, version = _("show the version"), f"nationec {__version__}"
    parser.add("--version", text, action="version", version=version)
    parser.set_defaults(run=lambda arguments: parser.print_help())
    commands = parser.add_subparsers(title=_("commands"), metavar="COMMAND")
    parsers: Dict[str, _Parser] = {}
    for name, command, text in (
        ("demo", demo, _("the transactions on the simulator: no DLL, no network")),
        ("call", call, _("a transaction, for a script in any language")),
        ("codes", codes, _("find a code, or words, in the tables (§6, §7.1)")),
        ("doctor", doctor, _("what to look at when it does not work")),
        ("guide", guide, _("the handbook, in Chinese")),
        ("examples", examples, _("copy the examples into a folder")),
    ):
        parsers[name] = commands.add_parser(name, help=text, description=text)
        parsers[name].set_defaults(run=command.run)
    parsers["doctor"].add_dll_settings()
    _add_call(parsers["call"])
    text = _("a code, or words that must all be there; without one, all codes")
    parsers["codes"].add("query", text, metavar="QUERY", nargs="*")
    text = _("where to copy them; a file that is there already is never overwritten")
    parsers["examples"].add("folder", text, metavar="FOLDER")
    text = _(
        "print the chapters with this in their heading; without it, list the headings"
    )
    parsers["guide"].add("word", text, metavar="WORD", nargs="?")
    text = _("print where the handbook is")
    parsers["guide"].add("--path", text, action="store_true")
    return parser


def _add_call(parser: _Parser) -> None:
    parser.epilog = _(
        "stdout: the data of the answer, as JSON in UTF-8\n"
        "exit codes: 0 success; 2 usage or invalid request, nothing was sent; "
        "3 DLL not loaded;\n"
        "4 return value not 0000; 5 refused by the platform; "
        "6 unreadable answer, or stdout did\n"
        "not take it; 7 timeout, crash or cancelled (Ctrl-C), the outcome is unknown;\n"
        "130 Ctrl-C before anything was sent"
    )
    text = _("交易类型; may stand in the message of --json")
    parser.add("trans_type", text, metavar="TRANS_TYPE", nargs="?")
    text = _("the fields, or a whole message, as JSON in UTF-8 or GB 18030; - is stdin")
    parser.add("--json", text, metavar="FILE", required=True)
    parser.add_setting("org_id", "TEXT", "医保定点机构代码")
    parser.add_dll_settings()
    text = _("the DLL's encoding, gb18030 by default")
    parser.add("--encoding", text, metavar="NAME", default="gb18030")
    text = _("that of its answers, the same by default")
    parser.add("--response-encoding", text, metavar="NAME")
    size = OUT_BUFFER_SIZE
    text = _("room for an answer, {size} bytes by default").format(size=size)
    parser.add("--out-buffer-size", text, metavar="BYTES", type=_positive, default=size)
    text = _("no DLL and no network: the standard's example patient")
    parser.add("--simulate", text, action="store_true")
    _add_output(parser)


def _add_output(parser: _Parser) -> None:
    text = _("print code, message, extra and outBizNo too")
    parser.add("--envelope", text, action="store_true")
    text = _("errors on stderr as JSON in UTF-8")
    parser.add("--json-errors", text, action="store_true")
    text = _("stdout and stderr as JSON in ASCII, with \\u escapes")
    parser.add("--ascii", text, action="store_true")
    text = _(
        "write InData, return value and OutData, whether it fails or not, to a file "
        "that only this user can read: JSON, as text, else in base64"
    )
    parser.add("--keep", text, metavar="FILE")
