"""Finds, loads and calls the DLL: the one file that does so, through ctypes."""

# A call has memory of its own, which is zeroed after it: the two inputs have the room
# of §5.2, and behind OutData stand a guard, to see that the DLL wrote past it, and
# slack, so that it then harms nobody. The pointer that comes back is read by hand: on
# Windows an access violation is an ``OSError`` there, and ends the process inside
# ``c_char_p``. Nothing says that the DLL is thread-safe, so one lock serves all calls
# of this process.
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
from ctypes import byref, c_char, c_void_p

# To import typing takes a tenth of the time in which another interpreter starts.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Path = Union[str, bytes, os.PathLike[Any]]

DLL_NAME = "NationECCode.dll"
# Undecorated, and as MSVC and MinGW decorate a 32-bit __stdcall.
EXPORTS = ("NationEcTrans", "_NationEcTrans@12", "NationEcTrans@12")
OPENSSL = ("libeay32.dll", "ssleay32.dll")  # comes with the DLL
SYSTEM = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, "Linux")
WIDTH = 8 * struct.calcsize("P")

# §5.2 gives it to the inputs: a DLL that writes into them expects as much.
ROOM = 2048
GUARD = b"\xff" * 16  # a byte that no GB 18030 text holds
SLACK = 65536

# char* __stdcall NationEcTrans(char* strUrl, char* InData, char* OutData)
_declare = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
_PROTOTYPE: Any = _declare(c_void_p, c_void_p, c_void_p, c_void_p)

# What Windows says when the DLL is sound and what it needs is not: module, entry point
# or ordinal not found, its start failed, no such Visual C++ runtime side by side.
_DEPENDENCY_ERRORS = (126, 127, 182, 1114, 14001)


class LoadError(Exception):
    """The DLL cannot be loaded: a reason of ``DllLoadError``, and facts."""

    def __init__(self, reason: str, path: str, **facts: Any) -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path
        self.facts = facts


class CrashError(Exception):
    """The DLL failed during the call; ``received`` is what OutData held."""

    def __init__(self, reason: str, received: bytes, **facts: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.received = received
        self.facts = facts


def system_directories() -> list[str]:
    """The folders where Windows keeps its own DLLs; none on other systems."""
    if sys.platform != "win32":
        return []
    kernel32 = ctypes.WinDLL("kernel32")
    buffer = ctypes.create_unicode_buffer(260)
    directories = []
    for function in (kernel32.GetSystemDirectoryW, kernel32.GetWindowsDirectoryW):
        function(buffer, len(buffer))
        directories.append(buffer.value)
    return directories


def dll_name(path: Path | None) -> str:
    """The DLL that ``path`` means: it, else ``NATIONEC_DLL``, else its usual name."""
    return os.fsdecode(path) if path else os.environ.get("NATIONEC_DLL") or DLL_NAME


def absolute(path: str) -> str:
    """``path`` from the current directory; as it is if that directory is gone."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def candidates(path: Path | None = None) -> list[str]:
    """The absolute paths where the DLL is looked for, in order.

    The path given, else ``NATIONEC_DLL``, else ``NationECCode.dll`` beside the program,
    in the Windows system directories and on ``PATH``. A name without a folder is looked
    for like the last. Never in the current directory: a planted DLL gets in there.
    """
    name = dll_name(path)
    if os.path.dirname(name):
        return [absolute(name)]
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    folders = [os.path.dirname(sys.executable or ""), *system_directories()]
    folders += [folder.strip('"') for folder in on_path]
    places = [os.path.join(folder, name) for folder in folders if os.path.isabs(folder)]
    return list(dict.fromkeys(places))


def find(path: Path | None = None) -> str:
    """The first of ``candidates`` that is a file. Raises ``LoadError``."""
    name, places = dll_name(path), candidates(path)
    for place in places:
        if os.path.isfile(place):
            return place
    if os.path.dirname(name):
        how = "folder" if os.path.isdir(name) else "no-file"
        raise LoadError("not-found", places[0], how=how)
    how = "in-current" if os.path.isfile(name) else "not-found"
    raise LoadError("not-found", "", how=how, name=name, places=places)


def describe(path: str) -> int | None:
    """The width in bits of a Windows DLL, ``None`` for a file that is none.

    Other libraries are the system loader's to judge. Raises ``OSError``.
    """
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:2] != b"MZ" or len(head) < 64:
            return None
        file.seek(struct.unpack("<L", head[60:])[0])
        pe = file.read(26)
    if pe[:4] != b"PE\0\0" or len(pe) < 26:
        return None
    return {b"\x0b\x01": 32, b"\x0b\x02": 64}.get(pe[24:])


def load(path: str) -> Any:
    """The function ``NationEcTrans`` of the library at an absolute ``path``.

    Raises ``LoadError``. The library stays loaded: no moment to unload it is safe.
    """
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
        width = describe(path)
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
    # What the DLL itself loads by bare name, and when, is its own affair. This puts its
    # folder in the place of the current directory in that search, unless a program
    # (PyInstaller's does) has put another there.
    kernel32 = ctypes.WinDLL("kernel32")
    length_with_terminator = kernel32.GetDllDirectoryW(0, None)
    if length_with_terminator <= 1:
        kernel32.SetDllDirectoryW(folder)
    # First, so that the DLL gets these and no others of the same name.
    for name in OPENSSL:
        if os.path.isfile(os.path.join(folder, name)):
            ctypes.WinDLL(os.path.join(folder, name))
    return ctypes.WinDLL(path)


def _refusal(error: OSError, path: str) -> LoadError:
    """What the system's loader says: the fault of the DLL, or of what it needs."""
    # ctypes adds the advice to give the full path, which was given.
    detail = str(error).partition(" Try using")[0].rstrip(".")
    if _blames_a_dependency(error, path):
        how = f"missing-{'on-windows' if SYSTEM == 'Windows' else 'dependency'}"
        return LoadError("missing-dependency", path, how=how, detail=detail)
    return LoadError("not-a-library", path, detail=detail)


def _blames_a_dependency(error: OSError, path: str) -> bool:
    if sys.platform == "win32":
        # ctypes has a text of its own for the first of these, and no number: "Could not
        # find module ... (or one of its dependencies)". The module is there.
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


class _Directory:
    """Makes a folder the current directory meanwhile; ``None`` changes nothing."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._before = ""

    def __enter__(self) -> None:
        if self._path is not None:
            self._before = absolute(os.curdir)
            change_directory(self._path)

    def __exit__(self, *exception: object) -> None:
        if self._path is not None:
            # If it is gone, stay: the answer must not be lost.
            with suppress(OSError):
                os.chdir(self._before)


_lock = allocate_lock()


def _new_lock() -> None:
    # The thread that held it is not in the forked child.
    global _lock
    _lock = allocate_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


class Binding:
    """``NationEcTrans`` of the DLL at ``path`` (see ``candidates``).

    ``cwd`` is the process's current directory while the DLL loads and is called. Raises
    ``LoadError``.
    """

    def __init__(
        self, path: Path | None, out_buffer_size: int, cwd: str | None
    ) -> None:
        self.path = find(path)
        self._size = out_buffer_size
        self._directory = _Directory(cwd)
        with _lock, self._directory:
            self._function = load(self.path)

    def call(self, url: bytes, in_data: bytes) -> tuple[bytes | None, bytes]:
        """The return value, ``None`` for NULL, and OutData up to its terminator.

        Raises ``CrashError``.
        """
        memory = _Memory(url, in_data, self._size)
        try:
            with _lock, self._directory:
                returned = self._returned(memory)
            if memory.is_overrun():
                raise CrashError("past-out-data", memory.everything(), size=self._size)
            return returned, memory.out_data()
        finally:
            memory.wipe()

    def _returned(self, memory: _Memory) -> bytes | None:
        try:
            address = self._function(*memory.pointers)
            return None if address is None else ctypes.string_at(address)
        except OSError as error:
            raise CrashError("crashed", memory.out_data(), detail=str(error)) from None


class _Memory:
    """What one call may write into: strUrl, InData, OutData, the guard and the slack.

    One block, since to make it and to wipe it is most of what a call costs.
    """

    def __init__(self, url: bytes, in_data: bytes, size: int) -> None:
        in_at = max(len(url) + 1, ROOM)
        self._out = out_at = in_at + max(len(in_data) + 1, ROOM)
        self._guard = guard_at = out_at + size
        self._block = block = bytearray(guard_at + len(GUARD) + SLACK)
        block[: len(url)] = url
        block[in_at : in_at + len(in_data)] = in_data
        block[guard_at : guard_at + len(GUARD)] = GUARD
        start = c_char.from_buffer(block)
        self.pointers = byref(start), byref(start, in_at), byref(start, out_at)

    def is_overrun(self) -> bool:
        """Whether the DLL wrote past OutData."""
        return not self._block.startswith(GUARD, self._guard)

    def out_data(self) -> bytes:
        """OutData up to its terminator, if there is one."""
        return self._text(self._guard)

    def everything(self) -> bytes:
        """The text that begins in OutData, wherever it ends."""
        return self._text(len(self._block))

    def _text(self, limit: int) -> bytes:
        end = self._block.find(b"\0", self._out, limit)
        return bytes(memoryview(self._block)[self._out : limit if end < 0 else end])

    def wipe(self) -> None:
        """Zero what was written."""
        size = len(self._block) if self.is_overrun() else self._guard
        ctypes.memset(self.pointers[0], 0, size)
