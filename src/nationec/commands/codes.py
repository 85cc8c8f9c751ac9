"""``nationec codes``: find a code, or words, in the standard's tables."""

import sys
from argparse import Namespace
from typing import Any, Dict, List

from .. import codes
from ..codes import ReturnCode
from ..language import _
from .parser import Parser

_TABLES: Dict[Any, str] = {
    codes.BusinessType: "§6.1",
    codes.IdType: "§6.2",
    codes.OrderStatus: "§6.3",
    codes.MdtrtCertType: "§6.5",
    codes.PwdFlag: "§5.6.4",
    ReturnCode: "§7.1",
}


def add_arguments(parser: Parser, argv: List[str]) -> None:
    """The options."""
    told = _("a code, or words that must all be there; without one, all codes")
    parser.arguments.add_argument("query", metavar="QUERY", nargs="*", help=told)


def run(arguments: Namespace) -> int:
    """Print what is found; the exit code is 1 when nothing is."""
    words = [word.lower() for word in arguments.query]
    members = [member for table in _TABLES for member in table]
    exact = [member for member in members if words == [str(member).lower()]]
    near = [
        each for each in members if all(word in _line(each).lower() for word in words)
    ]
    found = exact or near
    for member in found:
        print(_line(member))
    # Only where one was asked for: a list is for looking through.
    advice = getattr(found[0], "advice", None) if exact else None  # a return code's
    if advice:
        print(f"        {advice}")
    if found:
        return 0
    text = _("none of the standard's codes: a province or a later edition may have it")
    print(f"nationec: {text}", file=sys.stderr)
    return 1


def _line(member: Any) -> str:
    columns = "scope", "first_level", "remark"
    more = [getattr(member, name, None) for name in columns]
    table = type(member)
    where = [_TABLES[table], f"{table.__name__}.{member.name}", *filter(None, more)]
    return f"{member!s:7} {member.label}  [{', '.join(where)}]"
