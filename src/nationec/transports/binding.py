"""Finds, loads and calls the DLL, through ctypes."""

# Load by absolute path only. On Windows its folder takes the place of the current
# directory in the search for the DLLs that it needs. Each call has memory of its own
# (see ``memory``), and one lock serves all calls of this process: nothing says that the
# DLL is thread-safe. ``string_at`` reads the returned pointer: on Windows an access
# violation in it is an ``OSError``. With ``c_char_p`` it would end the process.
#
# Standard library only, and facts without prose (``errors`` has the sentences):
# ``IsolatedDll`` sends this file as source to another interpreter.

from __future__ import annotations

import ctypes
import os
import struct
import sys
from _thread import allocate_lock
from contextlib import suppress
from ctypes import c_void_p

from .memory import Memory

# To import typing takes a tenth of the time in which another interpreter starts.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    AnyPath = Union[str, bytes, os.PathLike[Any]]

DLL_NAME = "NationECCode.dll"
# Undecorated, and as MSVC and MinGW decorate a 32-bit __stdcall.
EXPORTS = ("NationEcTrans", "_NationEcTrans@12", "NationEcTrans@12")
OPENSSL = ("libeay32.dll", "ssleay32.dll")  # comes with the DLL
SYSTEM = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, "Linux")
WIDTH = 8 * struct.calcsize("P")

# char* __stdcall NationEcTrans(char* strUrl, char* InData, char* OutData)
_declare = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
_PROTOTYPE: Any = _declare(c_void_p, c_void_p, c_void_p, c_void_p)

# Windows errors that blame another DLL, which this one needs: module, entry point or
# ordinal not found, its start failed, the Visual C++ runtime is not installed.
_DEPENDENCY_ERRORS = (126, 127, 182, 1114, 14001)


class LoadError(Exception):
    """The DLL cannot be loaded: a reason of ``DllLoadError``, the file, and facts."""

    def __init__(self, reason: str, path: str, **facts: Any) -> None:
        super().__init__(reason, path)
        self.facts = {"reason": reason, "path": path, **facts}


class CrashError(Exception):
    """The DLL failed during the call; ``received`` is what OutData held."""

    def __init__(self, reason: str, received: bytes, **facts: Any) -> None:
        super().__init__(reason)
        self.received, self.facts = received, {"reason": reason, **facts}


def system_directories() -> list[str]:
    """Return the folders where Windows keeps its own DLLs."""
    if sys.platform != "win32":
        return []
    kernel32 = ctypes.WinDLL("kernel32")
    buffer = ctypes.create_unicode_buffer(260)
    directories = []
    for function in (kernel32.GetSystemDirectoryW, kernel32.GetWindowsDirectoryW):
        function(buffer, len(buffer))
        directories.append(buffer.value)
    return directories


def wanted_dll(path: AnyPath | None) -> str:
    """Return ``path``, else ``NATIONEC_DLL``, else the DLL's usual name."""
    if path:
        return os.fsdecode(path)
    # A Windows ``set`` leaves its quotes and blanks in the value.
    return os.environ.get("NATIONEC_DLL", "").strip(' "') or DLL_NAME


def absolute(path: str) -> str:
    """Make ``path`` absolute, unless the current directory is gone."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def candidates(path: AnyPath | None = None) -> list[str]:
    """Return the absolute paths where the DLL is searched for, in order.

    A path with a folder is the only one. A name (``path``, else ``NATIONEC_DLL``, else
    ``NationECCode.dll``) is searched for beside the program, in the Windows system
    directories and on ``PATH``; never in the current directory, where anyone may have
    put a DLL.
    """
    name = wanted_dll(path)
    if os.path.dirname(name):
        return [absolute(name)]
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    folders = [os.path.dirname(sys.executable or ""), *system_directories()]
    folders += [folder.strip('"') for folder in on_path]
    places = [os.path.join(folder, name) for folder in folders if os.path.isabs(folder)]
    return list(dict.fromkeys(places))


def find(path: AnyPath | None = None) -> str:
    """Return the first of ``candidates`` that is a file. Raises ``LoadError``."""
    name, places = wanted_dll(path), candidates(path)
    for place in places:
        if os.path.isfile(place):
            return place
    if os.path.dirname(name):
        how = "folder" if os.path.isdir(name) else "no-file"
        raise LoadError("not-found", places[0], how=how)
    raise LoadError("not-found", "", name=name, places=places)


def dll_width(path: str) -> int | None:
    """Return the width of a Windows DLL in bits, ``None`` for any other file.

    Raises ``OSError``.
    """
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:2] != b"MZ" or len(head) < 64:
            return None
        file.seek(struct.unpack("<L", head[60:])[0])
        pe = file.read(26)
    widths = {b"\x0b\x01": 32, b"\x0b\x02": 64}
    return widths.get(pe[24:]) if pe[:4] == b"PE\0\0" else None


def load(path: str) -> Any:
    """Load the library at an absolute path. Raises ``LoadError``."""
    _check_width(path)
    try:
        library = _open(path)
    except OSError as error:
        raise _refusal(error, path) from None
    for name in EXPORTS:
        exported = getattr(library, name, None)
        if exported is not None:
            return _PROTOTYPE(ctypes.cast(exported, c_void_p).value)
    raise LoadError("no-export", path)


def _check_width(path: str) -> None:
    try:
        width = dll_width(path)
    except OSError as error:
        raise LoadError("not-a-library", path, detail=error.strerror) from None
    if width is not None and ("Windows", width) != (SYSTEM, WIDTH):
        how = "wrong-width" if SYSTEM == "Windows" else "wrong-system"
        facts = {"system": "Windows", "own_system": SYSTEM, "own_width": WIDTH}
        raise LoadError("wrong-width", path, how=how, width=width, **facts)


def _open(path: str) -> Any:
    if sys.platform != "win32":
        return ctypes.CDLL(path)
    folder = os.path.dirname(path)
    os.add_dll_directory(folder)
    # Windows then searches the DLL's folder instead of the current directory for DLLs
    # given by bare name. Keep a folder that the program (PyInstaller's) has set.
    kernel32 = ctypes.WinDLL("kernel32")
    if kernel32.GetDllDirectoryW(0, None) <= 1:  # the terminator counts
        kernel32.SetDllDirectoryW(folder)
    # Load these first: the DLL then uses no others of the same name.
    for name in OPENSSL:
        if os.path.isfile(os.path.join(folder, name)):
            ctypes.WinDLL(os.path.join(folder, name))
    return ctypes.WinDLL(path)


def _refusal(error: OSError, path: str) -> LoadError:
    """Make the error for a DLL that the system's loader refused."""
    # ctypes adds the advice to give the full path; it was given.
    detail = str(error).partition(" Try using")[0].rstrip(".")
    if _blames_a_dependency(error, path):
        how = "missing-on-windows" if SYSTEM == "Windows" else "missing-dependency"
        return LoadError("missing-dependency", path, how=how, detail=detail)
    return LoadError("not-a-library", path, detail=detail)


def _blames_a_dependency(error: OSError, path: str) -> bool:
    if sys.platform == "win32":
        # ctypes raises 126 with a text of its own and without the number.
        return error.winerror in (None, *_DEPENDENCY_ERRORS)
    text = str(error)
    if sys.platform == "darwin":
        return "Library not loaded" in text or "Symbol not found" in text
    return "undefined symbol" in text or not text.startswith(f"{path}:")


def change_directory(path: str) -> None:
    """Make ``path`` the current directory. Raises ``LoadError``."""
    try:
        os.chdir(path)
    except OSError as error:
        raise LoadError("no-folder", path, detail=error.strerror) from None


_lock = allocate_lock()
if hasattr(os, "register_at_fork"):
    # The thread that held it is not in the forked child.
    os.register_at_fork(after_in_child=lambda: globals().update(_lock=allocate_lock()))


class Binding:
    """``NationEcTrans`` of the DLL at ``path`` (see ``candidates``).

    ``cwd`` is the process's current directory while the DLL loads and is called. Raises
    ``LoadError``.
    """

    def __init__(
        self, path: AnyPath | None, out_buffer_size: int, cwd: str | None
    ) -> None:
        self.path = find(path)
        self._size = out_buffer_size
        self._cwd = cwd
        self._function = self._in_cwd(load, self.path)

    def call(self, url: bytes, in_data: bytes) -> tuple[bytes | None, bytes]:
        """Return the return value, ``None`` for NULL, and OutData.

        Raises ``CrashError``, and ``LoadError`` if there is no folder ``cwd``.
        """
        memory = Memory(url, in_data, self._size)
        try:
            returned = self._in_cwd(self._call, memory)
            if memory.is_overrun():
                raise CrashError(
                    "past-out-data", memory.out_data_and_beyond(), size=self._size
                )
            return returned, memory.out_data()
        finally:
            memory.wipe()

    def _in_cwd(self, function: Any, argument: Any) -> Any:
        """Call ``function`` in the folder ``cwd``, one call at a time."""
        with _lock:
            if self._cwd is None:
                return function(argument)
            before = absolute(os.curdir)  # getcwd fails in a folder that is gone
            change_directory(self._cwd)
            try:
                return function(argument)
            finally:
                # If that folder is gone, stay here: raising would lose the answer.
                with suppress(OSError):
                    os.chdir(before)

    def _call(self, memory: Memory) -> bytes | None:
        try:
            address = self._function(*memory.pointers)
            return None if address is None else ctypes.string_at(address)
        except OSError as error:
            raise CrashError("crashed", memory.out_data(), detail=str(error)) from None
