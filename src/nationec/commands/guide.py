"""``nationec guide``: the handbook, a chapter at a time."""

import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import List

from ..language import _
from .parser import Parser

GUIDE = Path(__file__).resolve().parents[1] / "guide.md"


def add_arguments(parser: Parser, argv: List[str]) -> None:
    """The options."""
    told = _(
        "print the chapters with this in their heading; without it, list the headings"
    )
    parser.arguments.add_argument("word", metavar="WORD", nargs="?", help=told)
    told = _("print where the handbook is")
    parser.options.add_argument("--path", action="store_true", help=told)


def run(arguments: Namespace) -> int:
    """Print it; the exit code is 1 when there is no such chapter."""
    if arguments.path:
        print(GUIDE)
        return 0
    text = GUIDE.read_text("utf-8")
    # A chapter begins with its heading, so the split keeps it.
    _preface, *chapters = re.split("^(?=## )", text, flags=re.MULTILINE)
    headings = {text.partition("\n")[0][3:].strip(): text for text in chapters}
    if arguments.word is None:
        print(*headings, sep="\n")
        return 0
    word = arguments.word.lower()
    found = [text for name, text in headings.items() if word in name.lower()]
    if found:
        print("\n".join(text.rstrip() + "\n" for text in found), end="")
        return 0
    text = _("no chapter has that in its heading, there are: {headings}")
    print("nationec:", text.format(headings=", ".join(headings)), file=sys.stderr)
    return 1
