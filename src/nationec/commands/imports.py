"""Reads the version and the imports of a Windows DLL with pefile, on any system."""

import os
from typing import Any, Dict, List

from ..transports import binding


def _image(path: str, directory: str) -> Any:
    """Parse a directory. Raises ``ImportError``, and ``ValueError`` if it is no DLL."""
    import pefile  # type: ignore[import-untyped,unused-ignore]

    number = pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{directory}"]
    try:
        with pefile.PE(path, fast_load=True) as image:
            image.parse_data_directories([number])
            return image
    except pefile.PEFormatError as error:
        raise ValueError(str(error)) from None


def dll_version(path: str) -> str:
    """Return the DLL's version; empty if it has none."""
    for info in getattr(_image(path, "RESOURCE"), "VS_FIXEDFILEINFO", []):
        pairs = info.FileVersionMS, info.FileVersionLS
        return ".".join(f"{pair >> 16}.{pair & 0xFFFF}" for pair in pairs)
    return ""


def missing_dlls(path: str, width: int) -> List[str]:
    """Return the names of needed DLLs that are not in its folder or in Windows.

    Windows itself does not report which one is missing. On other systems the result
    includes the DLLs of Windows, since its folders cannot be read.
    """
    folder = os.path.dirname(path)
    beside = _files(folder)
    system = binding.system_directories()
    if system and (binding.WIDTH, width) == (64, 32):
        system = [os.path.join(system[-1], "SysWOW64")]
    names = {name for place in system for name in _files(place)}
    is_there: Dict[str, bool] = {}
    pending = [path]
    while pending:
        image = _image(pending.pop(), "IMPORT")
        for entry in getattr(image, "DIRECTORY_ENTRY_IMPORT", []):
            name = entry.dll.decode("ascii", "replace").lower()
            # An API set is a name that the Windows loader resolves without a file.
            api_set = bool(system) and name.startswith(("api-ms-win-", "ext-ms-"))
            if name in beside and name not in is_there:
                pending.append(os.path.join(folder, beside[name]))
            is_there[name] = name in beside or name in names or api_set
    return [name for name in is_there if not is_there[name]]


def _files(folder: str) -> Dict[str, str]:
    """Map file names in lower case (Windows ignores case) to the names on the disk."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return {name.lower(): name for name in names}
