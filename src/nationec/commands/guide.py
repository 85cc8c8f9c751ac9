"""``nationec guide``: print the handbook by chapter."""

import re
from argparse import Namespace
from pathlib import Path

from ..language import _


def shipped(name: str) -> Path:
    """Return the path of a file that is in the package, or in a clone at its top."""
    package = Path(__file__).resolve().parents[1]
    path = package / name
    return path if path.exists() else package.parents[1] / name


GUIDE = shipped("guide.md")


def run(arguments: Namespace) -> int:
    """Print the chapters. The exit code is 1 if there is no such chapter."""
    if arguments.path:
        print(GUIDE)
        return 0
    # A chapter begins with its heading, so the split keeps it.
    text = GUIDE.read_text("utf-8")
    _preface, *chapters = re.split("^(?=## )", text, flags=re.MULTILINE)
    headings = [chapter.partition("\n")[0][3:] for chapter in chapters]
    if arguments.word is None:
        print(*headings, sep="\n")
        return 0
    word = arguments.word.lower()
    found = [text for name, text in zip(headings, chapters) if word in name.lower()]
    if found:
        print(*map(str.rstrip, found), sep="\n\n")
        return 0
    text = _("no chapter has that in its heading, there are: {headings}")
    arguments.messages.append(text.format(headings=", ".join(headings)))
    return 1
