"""``nationec codes``: search the standard's tables for a code or for words."""

from argparse import Namespace
from typing import Any, Dict

from .. import codes
from ..language import _

_TABLES: Dict[Any, str] = {
    codes.BusinessType: "§6.1",
    codes.IdType: "§6.2",
    codes.OrderStatus: "§6.3",
    codes.MdtrtCertType: "§6.5",
    codes.PwdFlag: "§5.6.4",
    codes.ReturnCode: "§7.1",
}


def run(arguments: Namespace) -> int:
    """Print the codes found. The exit code is 1 if there are none."""
    words = [word.lower() for word in arguments.query]
    entries = [_entry(member) for table in _TABLES for member in table]
    exact = [entry for entry in entries if words == entry.lower().split()[:1]]
    near = [each for each in entries if all(word in each.lower() for word in words)]
    found = exact or near
    for entry in found:
        # A list of all codes is shorter without advice.
        print(entry if words else entry.partition("\n")[0])
    if found:
        return 0
    text = _("not in the standard of 2021-11-12: a province or a later one may have it")
    arguments.messages.append(text)
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
