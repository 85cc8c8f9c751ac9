"""What a Windows DLL exports and needs, read from its tables with pefile (extra ``doctor``), on any system."""

import os
from typing import Dict, List, Optional, Tuple

from .transports import binding


def tables(path: str) -> Tuple[List[str], List[str]]:
    """The names that the DLL at ``path`` exports, and the DLLs that it imports.

    Raises ``ImportError`` without pefile, and ``ValueError`` for a file that it cannot read.
    """
    import pefile  # type: ignore[import-untyped,unused-ignore]

    try:
        with pefile.PE(path, fast_load=True) as image:
            image.parse_data_directories(
                [pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{n}"] for n in ("EXPORT", "IMPORT")]
            )
            exported = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
            exports = (
                [symbol.name.decode("ascii", "replace") for symbol in exported.symbols if symbol.name]
                if exported
                else []
            )
            return exports, [
                entry.dll.decode("ascii", "replace") for entry in getattr(image, "DIRECTORY_ENTRY_IMPORT", [])
            ]
    except pefile.PEFormatError as error:
        raise ValueError(f"pefile cannot read {path}: {error}") from None


def dependencies(path: str) -> Dict[str, Optional[str]]:
    """Each DLL that the one at ``path`` imports, and those in its folder import in turn, and where Windows finds it.

    ``None`` is nowhere: missing, or on another system than Windows unknown.
    """
    folder, width = os.path.dirname(path), binding.describe(path)[1]
    found: Dict[str, Optional[str]] = {}
    pending = [path]
    while pending:
        for name in tables(pending.pop())[1]:
            if name.lower() in map(str.lower, found):
                continue
            found[name] = _resolved(name, folder, width)
            if found[name] and os.path.dirname(found[name] or "") == folder:
                pending.append(found[name] or "")
    return found


def _resolved(name: str, folder: str, width: int) -> Optional[str]:
    if os.name == "nt" and name.lower().startswith(("api-ms-win-", "ext-ms-")):
        return "Windows"  # an API set: a name that the loader knows, without a file
    places = [folder, *binding.system_directories()]
    if binding.WIDTH == 64 and width == 32:
        places = [folder, *(os.path.join(place, "SysWOW64") for place in places[2:])]
    for place in places:
        with_case = {entry.lower(): entry for entry in os.listdir(place)} if os.path.isdir(place) else {}
        if name.lower() in with_case:
            return os.path.join(place, with_case[name.lower()])
    return None
