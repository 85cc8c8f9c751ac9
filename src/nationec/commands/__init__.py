"""The command ``nationec``: its parser, and a file for each of its commands."""

import io
import logging
import sys
from argparse import Namespace
from typing import List, Optional

from .. import __version__
from ..language import _, on_command_line
from ..transactions import TRANSACTIONS
from . import call, codes, demo, doctor, examples, guide
from .output import InvalidRequest, report
from .parser import Parser

# An error is told once, by the command: without a handler Python shows the warning.
logging.getLogger("nationec").addHandler(logging.NullHandler())


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command. The exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Code page 936 has not every character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    argv = sys.argv[1:] if argv is None else argv
    before = on_command_line.set(True)
    try:
        arguments = _parsed(argv)
        return arguments.run(arguments) or 0
    except InvalidRequest as error:
        as_json, ascii_only = "--json-errors" in argv, "--ascii" in argv
        return report(error, [], as_json=as_json, ascii_only=ascii_only)
    finally:
        on_command_line.reset(before)


def _parsed(argv: List[str]) -> Namespace:
    parser = _parser(argv)
    arguments, unknown = parser.parse_known_args(argv)
    if not unknown:
        return arguments
    if "trans_type" in arguments and arguments.trans_type not in TRANSACTIONS:
        text = _(
            "give TRANS_TYPE before its fields, one of {names}; "
            "for any other give --json"
        )
        raise InvalidRequest(text.format(names=", ".join(TRANSACTIONS)))
    options = [word for word in unknown if word.startswith("-")]
    if options:
        names = ", ".join(map(_name_of, options))
        raise InvalidRequest(_("unknown options: {names}").format(names=names))
    raise InvalidRequest(_("there is an argument too many"))


def _name_of(option: str) -> str:
    """The name alone: what follows it may be a patient's."""
    return option.partition("=")[0] if option.startswith("--") else option[:2]


def _parser(argv: List[str]) -> Parser:
    about = _("医保电子凭证 through NationECCode.dll")
    parser = Parser(prog="nationec", description=about)
    told, version = _("show the version"), f"nationec {__version__}"
    parser.options.add_argument(
        "--version", action="version", version=version, help=told
    )
    parser.set_defaults(run=lambda arguments: parser.print_help())
    commands = parser.add_subparsers(title=_("commands"), metavar="COMMAND")
    for name, command, told in (
        ("demo", demo, _("the transactions on the simulator: no DLL, no network")),
        ("call", call, _("a transaction, for a script in any language")),
        ("codes", codes, _("find a code, or words, in the tables (§6, §7.1)")),
        ("doctor", doctor, _("what to look at when it does not work")),
        ("guide", guide, _("the handbook, in Chinese")),
        ("examples", examples, _("copy the examples into a folder")),
    ):
        of_command = commands.add_parser(name, help=told, description=told)
        command.add_arguments(of_command, argv)
        of_command.set_defaults(run=command.run)
    return parser
