"""Reads the version and the imports of a Windows DLL with pefile, on any system."""

import os
from typing import Any, Dict, List

from ..transports import binding


def _image(path: str) -> Any:
    """Parse a DLL. Raises ``ImportError``, and ``OSError`` if it is none."""
    import pefile  # type: ignore[import-untyped,unused-ignore]

    try:
        with pefile.PE(path, fast_load=True) as image:
            image.parse_data_directories([1, 2])  # imports and resources
            return image
    except pefile.PEFormatError as error:
        raise OSError(None, str(error), path) from None


def dll_version(path: str) -> str:
    """Return the DLL's version; empty if it has none."""
    for info in getattr(_image(path), "VS_FIXEDFILEINFO", []):
        pairs = info.FileVersionMS, info.FileVersionLS
        return ".".join(f"{pair >> 16}.{pair & 0xFFFF}" for pair in pairs)
    return ""


def missing_dlls(path: str, width: int) -> List[str]:
    """Return the names of needed DLLs that are not in its folder or in Windows.

    Windows itself does not report which one is missing. On other systems the result
    includes the DLLs of Windows, since its folders cannot be read.
    """
    folder = os.path.dirname(path)
    # Windows ignores case. The disk of another system does not.
    beside = {name.lower(): os.path.join(folder, name) for name in os.listdir(folder)}
    system = binding.system_directories()
    if system and (binding.WIDTH, width) == (64, 32):
        system = [os.path.join(system[-1], "SysWOW64")]
    places = [folder, *system]
    present = {name.lower() for place in places for name in os.listdir(place)}
    # An API set is a name that the Windows loader resolves without a file.
    api_sets = ("api-ms-win-", "ext-ms-") if system else ()
    is_there: Dict[str, bool] = {}
    pending = [path]
    while pending:
        image = _image(pending.pop())
        for entry in getattr(image, "DIRECTORY_ENTRY_IMPORT", []):
            name = entry.dll.decode("ascii", "replace").lower()
            if name in beside and name not in is_there:
                pending.append(beside[name])
            is_there[name] = name in present or name.startswith(api_sets)
    return [name for name in is_there if not is_there[name]]
