"""``nationec codes``: search the standard's tables for a code or for words."""

import sys
from argparse import Namespace
from typing import Any, Dict

from .. import codes
from ..language import _
from .parser import Parser

_TABLES: Dict[Any, str] = {
    codes.BusinessType: "§6.1",
    codes.IdType: "§6.2",
    codes.OrderStatus: "§6.3",
    codes.MdtrtCertType: "§6.5",
    codes.PwdFlag: "§5.6.4",
    codes.ReturnCode: "§7.1",
}


def add_arguments(parser: Parser) -> None:
    """Add the argument."""
    text = _("a code, or words that must all be there; without one, all codes")
    parser.arguments.add_argument("query", metavar="QUERY", nargs="*", help=text)


def run(arguments: Namespace) -> int:
    """Print the codes found. The exit code is 1 if there are none."""
    words = [word.lower() for word in arguments.query]
    members = [member for table in _TABLES for member in table]
    exact = [member for member in members if words == [str(member).lower()]]
    near = [
        each for each in members if all(word in _entry(each).lower() for word in words)
    ]
    for member in exact or near:
        line, *advice = _entry(member).split("\n")
        # A list of all codes is shorter without advice.
        print(line, *(advice if words else []), sep="\n")
    if exact or near:
        return 0
    text = _("not in the standard of 2021-11-12: a province or a later one may have it")
    print(f"nationec: {text}", file=sys.stderr)
    return 1


def _entry(member: Any) -> str:
    """Return the line of a code, with its advice, if any, on a second line."""
    columns = "scope", "first_level", "remark"
    more = [getattr(member, name, None) for name in columns]
    table = type(member)
    where = [_TABLES[table], f"{table.__name__}.{member.name}", *filter(None, more)]
    line = f"{member!s:7} {member.label}  [{', '.join(where)}]"
    advice = getattr(member, "advice", None)  # a return code's
    return f"{line}\n        {advice}" if advice else line
