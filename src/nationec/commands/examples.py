"""``nationec examples``: copy the examples, which are in the wheel."""

import shutil
from argparse import Namespace
from pathlib import Path

from ..language import _
from .guide import shipped
from .output import InvalidRequest, unwritable


def run(arguments: Namespace) -> None:
    """Copy the examples, and print the new paths."""
    source = shipped("examples")
    copies = {
        path: Path(arguments.folder, path.relative_to(source))
        for path in sorted(source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    # Copy all files or none.
    existing = [str(copy) for copy in copies.values() if copy.exists()]
    if existing:
        text = _("nothing was copied, give another folder: there is already {names}")
        raise InvalidRequest(text.format(names=", ".join(existing)))
    try:
        for path, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    except OSError:
        raise unwritable(arguments.folder) from None
    print(*copies.values(), sep="\n")
