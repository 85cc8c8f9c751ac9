"""What a Windows DLL exports and needs, read with pefile, on any system."""

import os
from typing import Any, Dict, List, NamedTuple, Optional

from ..transports import binding

_READ = (
    "IMAGE_DIRECTORY_ENTRY_EXPORT",
    "IMAGE_DIRECTORY_ENTRY_IMPORT",
    "IMAGE_DIRECTORY_ENTRY_RESOURCE",
)


class Tables(NamedTuple):
    """``imports`` are in lower case; ``version`` is empty where the DLL has none."""

    exports: List[Optional[bytes]]
    """``None`` is one that has a number only."""
    imports: List[str]
    version: str


def tables(path: str) -> Tables:
    """Read them. Raises ``ImportError`` without pefile, ``ValueError`` for no DLL."""
    import pefile  # type: ignore[import-untyped,unused-ignore]

    directories = [pefile.DIRECTORY_ENTRY[name] for name in _READ]
    try:
        with pefile.PE(path, fast_load=True) as image:
            image.parse_data_directories(directories)
            exported = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
            imported = getattr(image, "DIRECTORY_ENTRY_IMPORT", [])
            versions = getattr(image, "VS_FIXEDFILEINFO", [])
            return Tables(
                [symbol.name for symbol in exported.symbols] if exported else [],
                [entry.dll.decode("ascii", "replace").lower() for entry in imported],
                _version(versions[0]) if versions else "",
            )
    except pefile.PEFormatError as error:
        raise ValueError(str(error)) from None


def _version(info: Any) -> str:
    pairs = info.FileVersionMS, info.FileVersionLS
    return ".".join(f"{pair >> 16}.{pair & 0xFFFF}" for pair in pairs)


def imports(path: str, width: int) -> Dict[str, Optional[str]]:
    """Each DLL that this one and those beside it import, and where Windows finds it.

    ``None`` is nowhere: missing, or on another system than Windows unknown.
    """
    folder = os.path.dirname(path)
    # Windows loads what a DLL needs before it, and never says which one was missing.
    found: Dict[str, Optional[str]] = {}
    pending = [path]
    while pending:
        for name in tables(pending.pop()).imports:
            if name in found:
                continue
            found[name] = _place(name, folder, width)
            if found[name] == folder:
                pending.append(os.path.join(folder, _entries(folder)[name]))
    return found


def _place(name: str, folder: str, width: int) -> Optional[str]:
    system = binding.system_directories()
    if system and name.startswith(("api-ms-win-", "ext-ms-")):
        # An API set: a name that the loader knows, without a file.
        return system[0]
    if (binding.WIDTH, width) == (64, 32):
        system = [os.path.join(windows, "SysWOW64") for windows in system[1:]]
    for place in (folder, *system):
        if name in _entries(place):
            return place
    return None


def _entries(folder: str) -> Dict[str, str]:
    """The files of a folder by their names in lower case, as Windows knows them."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return {name.lower(): name for name in names}
