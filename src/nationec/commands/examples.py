"""``nationec examples``: a hospital has only the wheel, so the examples are in it."""

import shutil
from argparse import Namespace
from pathlib import Path
from typing import List

from ..language import _
from .output import InvalidRequest
from .parser import Parser

_PACKAGE = Path(__file__).resolve().parents[1]


def add_arguments(parser: Parser, argv: List[str]) -> None:
    """The options."""
    told = _("where to copy them; a file that is there already is never overwritten")
    parser.arguments.add_argument("folder", metavar="FOLDER", help=told)


def run(arguments: Namespace) -> int:
    """Copy them, and print what was copied."""
    # In the wheel they are in the package, in the project's own folder beside ``src``.
    source = _PACKAGE / "examples"
    if not source.is_dir():
        source = _PACKAGE.parents[1] / "examples"
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    copies = {path: Path(arguments.folder, path.relative_to(source)) for path in files}
    # All or nothing: half of a folder is worse than none.
    there = [str(copy) for copy in copies.values() if copy.exists()]
    if there:
        text = _("nothing was copied, give another folder: there is already {names}")
        raise InvalidRequest(text.format(names=", ".join(there)))
    try:
        for path, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    except OSError as error:
        raise InvalidRequest(f"{error.filename}: {error.strerror}") from None
    print(*copies.values(), sep="\n")
    return 0
