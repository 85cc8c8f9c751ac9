"""The command ``nationec``: its parser, and a file for each of its commands."""

import io
import logging
import sys
from argparse import Namespace
from typing import List, Optional

from .. import __version__
from ..language import _, on_command_line
from ..terminal import REQUESTS
from . import call, codes, demo, doctor, examples, guide
from .output import InvalidRequest, report
from .parser import Parser

# An error is told by the command, and once: without a handler Python shows the warning too.
logging.getLogger("nationec").addHandler(logging.NullHandler())


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command. The exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # code page 936 has not every character
            stream.reconfigure(errors="backslashreplace")
    argv = sys.argv[1:] if argv is None else argv
    before = on_command_line.set(True)
    try:
        arguments = _parsed(argv)
        return arguments.run(arguments) or 0
    except InvalidRequest as error:
        return report(error, [], as_json="--json-errors" in argv, ascii_only="--ascii" in argv)
    finally:
        on_command_line.reset(before)


def _parsed(argv: List[str]) -> Namespace:
    parser = _parser(argv)
    arguments, unknown = parser.parse_known_args(argv)
    if not unknown:
        return arguments
    if "trans_type" in arguments and arguments.trans_type not in REQUESTS:
        text = _("give TRANS_TYPE before its fields, one of {names}; for any other give --json")
        raise InvalidRequest(text.format(names=", ".join(REQUESTS)))
    options = [word for word in unknown if word.startswith("-")]
    if options:
        # By name only: what follows one may be a patient's.
        names = [word.partition("=")[0] if word.startswith("--") else word[:2] for word in options]
        raise InvalidRequest(_("unknown options: {names}").format(names=", ".join(names)))
    raise InvalidRequest(_("there is an argument too many"))


def _parser(argv: List[str]) -> Parser:
    parser = Parser(prog="nationec", description=_("医保电子凭证 through NationECCode.dll"))
    version = f"nationec {__version__}"
    told = _("show the version")
    parser.options.add_argument("--version", action="version", version=version, help=told)
    parser.set_defaults(run=lambda arguments: parser.print_help())
    commands = parser.add_subparsers(title=_("commands"), metavar="COMMAND")
    for name, command, told in (
        ("demo", demo, _("the transactions on the simulator: no DLL, no network")),
        ("call", call, _("a transaction, for a script in any language")),
        ("codes", codes, _("find a code, or words, in the standard's tables (§6, §7.1)")),
        ("doctor", doctor, _("what to look at when it does not work")),
        ("guide", guide, _("the handbook, in Chinese")),
        ("examples", examples, _("copy the examples into a folder")),
    ):
        of_command = commands.add_parser(name, help=told, description=told)
        command.add_arguments(of_command, argv)
        of_command.set_defaults(run=command.run)
    return parser
