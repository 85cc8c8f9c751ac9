"""The command ``nationec``."""

import argparse
import io
import json
import re
import sys
from typing import Any, Dict, List, NoReturn, Optional

from . import __version__, call, codes, demo, doctor
from .transactions import REQUESTS


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse repeats what it refuses, which may be a patient's.
        message = re.sub("(invalid choice: ).*(?= [(]choose from )|(ignored explicit argument).*", r"\1\2", message)
        raise call.InvalidRequest(f"{message} ({self.prog} --help)")


def main(argv: Optional[List[str]] = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of code page 936 has no character for everything
            stream.reconfigure(errors="backslashreplace")
    argv = sys.argv[1:] if argv is None else argv
    try:
        arguments = _arguments(argv)
    except call.InvalidRequest as error:
        return call.report(error, "--json-errors" in argv)
    return int(arguments.run(arguments))


def _arguments(argv: List[str]) -> argparse.Namespace:
    parser = _Parser(prog="nationec", description="医保电子凭证 through NationECCode.dll")
    parser.add_argument("--version", action="version", version=f"nationec {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    show = commands.add_parser("demo", help="the four transactions on the simulator: no DLL, no network")
    show.set_defaults(run=lambda arguments: demo.run())

    carry_out = commands.add_parser("call", help="a transaction, for a script in any language", allow_abbrev=False)
    call.add_arguments(carry_out, argv)
    carry_out.set_defaults(run=call.run)

    find = commands.add_parser("codes", help="find a code, or words, in the standard's tables (§6, §7.1)")
    find.add_argument("query", metavar="QUERY", nargs="*", help="a code, or words that must all be there")
    find.set_defaults(run=_codes)

    examine = commands.add_parser("doctor", help="what to look at when it does not work; exit code 1 if a call cannot")
    examine.add_argument("--dll", metavar="PATH", help="the DLL, else it is looked for")
    examine.add_argument("--url", help="the platform's address: does it accept a connection")
    examine.add_argument("--python", metavar="COMMAND", help="the other interpreter, for IsolatedDll")
    examine.add_argument("--json", action="store_true", help="for programs")
    examine.set_defaults(run=_doctor)

    arguments, unknown = parser.parse_known_args(argv)
    if unknown and "trans_type" in arguments and arguments.trans_type not in REQUESTS:
        parser.error(f"give TRANS_TYPE, and before its fields: one of {', '.join(REQUESTS)}")
    if unknown:  # by name only: what follows one may be a patient's
        names = [word.partition("=")[0] if word[:2] == "--" else word[:2] for word in unknown if word[:1] == "-"]
        parser.error(f"unknown options: {', '.join(names)}" if names else "there is an argument too many")
    return arguments


def _codes(arguments: argparse.Namespace) -> int:
    tables: Dict[Any, str] = {
        codes.BusinessType: "§6.1",
        codes.IdType: "§6.2",
        codes.OrderStatus: "§6.3",
        codes.MdtrtCertType: "§6.5",
        codes.PwdFlag: "§5.6.4",
        codes.ReturnCode: "§7.1",
    }
    words = [word.lower() for word in arguments.query]
    found, exact = [], []
    for table, section in tables.items():
        for member in table:
            more = [getattr(member, name, None) for name in ("scope", "first_level", "remark")]
            where = ", ".join(filter(None, (section, f"{table.__name__}.{member.name}", *more)))
            line = f"{member!s:7} {member.label}  [{where}]"
            if all(word in line.lower() for word in words):
                found.append(line)
            if words == [str(member).lower()]:
                exact.append(line)
    for line in exact or found:
        print(line)
    if not found:
        print("nationec: none of the standard's codes; a province or a later edition may have it", file=sys.stderr)
    return int(not found)


def _doctor(arguments: argparse.Namespace) -> int:
    findings = []
    for finding in doctor.examine(arguments.dll, arguments.url, arguments.python):
        findings.append(finding)
        if not arguments.json:  # at once: loading a broken DLL may end this process
            print(f"{finding.status:8} {finding.check:8} {finding.text}", flush=True)
    if arguments.json:
        print(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False, indent=2))
    return int(any(finding.status == doctor.FAILED for finding in findings))
