"""Finds, loads and calls the DLL: the one file that knows ctypes.

Standard library only, and nothing of nationec: ``IsolatedDll`` sends this file as source to another interpreter
and runs it there.
"""

import ctypes
import os
import signal
import struct
import sys
import threading
from contextlib import suppress
from ctypes import c_char_p, c_void_p
from queue import SimpleQueue
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union
from weakref import WeakSet, WeakValueDictionary

Path = Union[str, bytes, "os.PathLike[Any]"]

DLL_NAME = "NationECCode.dll"
EXPORTS = ("NationEcTrans", "_NationEcTrans@12", "NationEcTrans@12")  # undecorated, MSVC, MinGW (32-bit __stdcall)
PRELOADED = ("libeay32.dll", "ssleay32.dll")  # the OpenSSL that the DLL ships with
SYSTEM = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, "Linux")
WIDTH = 8 * struct.calcsize("P")

# §5.2 gives the two inputs 2048 characters: a DLL that writes into them expects as much room.
IN_SIZE = 2048
GUARD = b"\xff" * 16  # a byte that no GB 18030 text holds
SLACK = 65536  # what is written past OutData lands here and not in somebody else's memory

# char* __stdcall NationEcTrans(char* strUrl, char* InData, char* OutData). What it returns is no c_char_p: ctypes would
# read that at once, where on Windows an access violation is not made an OSError.
_declare = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
PROTOTYPE = _declare(c_void_p, c_void_p, c_void_p, c_void_p)
_CALLBACK = _declare(c_void_p, c_char_p, c_char_p, c_void_p)


class LoadError(Exception):
    """``args`` are the reason (see ``nationec.DllLoadError``), the path, and the text."""


class CrashError(Exception):
    """The DLL failed during the call. ``args`` are the text, and what OutData held."""


def system_directories() -> List[str]:
    if os.name != "nt":
        return []
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]
    buffer = ctypes.create_unicode_buffer(260)
    directories = []
    for function in (kernel32.GetSystemDirectoryW, kernel32.GetWindowsDirectoryW):
        function(buffer, 260)
        directories.append(buffer.value)
    return directories


def _name(path: Optional[Path]) -> str:
    return os.fsdecode(path) if path else os.environ.get("NATIONEC_DLL") or DLL_NAME


def candidates(path: Optional[Path] = None) -> List[str]:
    """The absolute paths where the DLL is looked for, in order.

    The path given, else ``NATIONEC_DLL``, else ``NationECCode.dll`` beside the program, in the Windows system
    directories and on ``PATH``. A name without a folder is looked for like the last. Never in the current
    directory, which is how a planted DLL gets in.
    """
    name = _name(path)
    if os.path.dirname(name):
        return [os.path.abspath(name)]
    on_path = [folder.strip('"') for folder in os.environ.get("PATH", "").split(os.pathsep)]
    folders = [os.path.dirname(sys.executable or ""), *system_directories(), *on_path]
    return list(dict.fromkeys(os.path.join(folder, name) for folder in folders if os.path.isabs(folder)))


def find(path: Optional[Path] = None) -> str:
    """The first of ``candidates`` that is a file."""
    name, places = _name(path), candidates(path)
    for place in places:
        if os.path.isfile(place):
            return place
    if os.path.dirname(name):
        given, what = places[0], "this is a folder, not a file" if os.path.isdir(name) else "no such file"
    else:
        given, what = "", f"{name} was found in none of these"
        if os.path.isfile(name):
            what = f"{name} of the current directory is never taken, and it was found in none of these"
    raise LoadError(
        "not-found",
        given,
        f"{what}: {', '.join(places)}. Give the full path of the DLL as dll=..., or set NATIONEC_DLL to it",
    )


def describe(path: str) -> Tuple[str, int]:
    """The system that a library is for ("Windows", "Linux", "macOS", "" for no library), and its width in bits."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:2] == b"MZ" and len(head) == 64:
            file.seek(struct.unpack("<L", head[60:])[0])
            pe = file.read(26)
            if pe[:4] == b"PE\0\0" and len(pe) == 26:
                return "Windows", {0x10B: 32, 0x20B: 64}.get(struct.unpack("<H", pe[24:])[0], 0)
    if head[:4] == b"\x7fELF":
        return "Linux", 32 * head[4]
    if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):
        return "macOS", 32 if head[0] == 0xCE else 64
    return "", 0


def load(path: str) -> Any:
    """The function ``NationEcTrans`` of the library at an absolute ``path``."""
    try:
        system, width = describe(path)
    except OSError as error:
        text = f"{path} cannot be read ({error.strerror}): see that this user may read it"
        raise LoadError("not-a-library", path, text) from None
    if not system:
        raise LoadError("not-a-library", path, f"{path} is not a library: it may be damaged, install the DLL anew")
    if system != SYSTEM:
        raise LoadError(
            "wrong-width",
            path,
            f"{path} is a {system} library, and this Python is on {SYSTEM}: use IsolatedDll with a Python for {system}",
        )
    if width != WIDTH:
        raise LoadError(
            "wrong-width",
            path,
            f"this Python is {WIDTH}-bit, the DLL is {width}-bit: use IsolatedDll with a {width}-bit Python, "
            f"or run a {width}-bit Python ({path})",
        )
    try:
        library = _open(path)
    except OSError as error:
        if _is_its_own_fault(error, path):
            text = f"{path} is damaged, or for another processor: {error}. Install the DLL anew"
            raise LoadError("not-a-library", path, text) from None
        told = str(error).partition(" Try using")[0].rstrip(".")  # what ctypes advises is to give the full path
        raise LoadError(
            "missing-dependency",
            path,
            f"a library that {path} needs is missing or does not fit: {told}. Put what it came with "
            f"({', '.join(PRELOADED)}) beside it, and install the Visual C++ runtime that it was built with",
        ) from None
    for name in EXPORTS:
        exported = getattr(library, name, None)
        if exported is not None:
            return PROTOTYPE(_address(exported))
    raise LoadError("no-export", path, f"{path} exports none of {', '.join(EXPORTS)}: it is not {DLL_NAME}, give that")


def _is_its_own_fault(error: OSError, path: str) -> bool:
    """Or that of a library that it needs."""
    if os.name == "nt":
        return error.winerror == 193  # type: ignore[attr-defined,no-any-return,unused-ignore]
    text = str(error)
    if SYSTEM == "macOS":
        return "Library not loaded" not in text and "Symbol not found" not in text
    return text.startswith(f"{path}:") and "undefined symbol" not in text


def _open(path: str) -> Any:
    # ctypes never unloads a library.
    if os.name != "nt":
        return ctypes.CDLL(path)
    folder = os.path.dirname(path)
    os.add_dll_directory(folder)  # type: ignore[attr-defined,unused-ignore]
    # What the DLL itself loads by bare name, and when, is its own affair. This puts its folder in the place of the
    # current directory in that search, for this process, unless a program (PyInstaller's does) has put another there.
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]
    if kernel32.GetDllDirectoryW(0, None) <= 1:  # the length, with the terminator
        kernel32.SetDllDirectoryW(folder)
    # First, so that the DLL gets these and no others of the same name.
    for name in PRELOADED:
        if os.path.isfile(os.path.join(folder, name)):
            ctypes.WinDLL(os.path.join(folder, name))  # type: ignore[attr-defined,unused-ignore]
    return ctypes.WinDLL(path)  # type: ignore[attr-defined,unused-ignore]


def _address(function: Any) -> int:
    return ctypes.cast(function, c_void_p).value or 0


def c_function(answer: Callable[[bytes, bytes], Tuple[Optional[bytes], bytes]]) -> Any:
    """A ``NationEcTrans`` that ``answer(url, in_data)``, which must not raise, stands behind."""

    kept: Dict[str, Any] = {}  # what the DLL returns outlives the call

    def call(url: bytes, in_data: bytes, out_data: int) -> Optional[int]:
        returned, out = answer(url, in_data)
        ctypes.memmove(out_data, out + b"\0", len(out) + 1)
        if returned is None:
            return None
        kept["returned"] = ctypes.create_string_buffer(returned)
        return ctypes.addressof(kept["returned"])

    callback = _CALLBACK(call)
    function: Any = PROTOTYPE(_address(callback))
    function.callback = callback
    return function


def _floats() -> Any:
    """The C runtime's ``fegetenv`` and ``fesetenv``: this thread's rounding, precision and exceptions."""
    for name in ("ucrtbase",) if os.name == "nt" else (None, "libm.so.6"):
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            library.fegetenv.argtypes = library.fesetenv.argtypes = [c_void_p]
            return library.fegetenv, library.fesetenv
    return (lambda kept: None,) * 2


_keep_floats, _restore_floats = _floats()

# Nothing says that the DLL is thread-safe: one call at a time, whoever has loaded it, however often.
_locks: "WeakValueDictionary[int, Any]" = WeakValueDictionary()
_locks_lock = threading.Lock()
_bindings: "WeakSet[Binding]" = WeakSet()


def _after_fork() -> None:
    # The thread that held a lock is not in the child.
    global _locks_lock
    _locks_lock = threading.Lock()
    _locks.clear()
    for bound in list(_bindings):
        bound._take_lock()
        bound._wipe(len(bound._memory))  # of the call that was under way


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Binding:
    """``NationEcTrans``, of the DLL at a path (see ``candidates``) or as ``c_function`` gives it."""

    def __init__(self, dll: Any = None, out_buffer_size: int = 65536) -> None:
        if out_buffer_size < 1:
            raise ValueError("out_buffer_size must be at least 1")
        self.path = ""
        if dll is None or isinstance(dll, (str, bytes, os.PathLike)):
            self.path = find(dll)
            dll = load(self.path)
        self._function = dll
        self._take_lock()
        # One block, so that one memset wipes it: strUrl, InData, OutData, the guard, the slack.
        self._size = out_buffer_size
        self._used = 2 * IN_SIZE + out_buffer_size
        self._memory = ctypes.create_string_buffer(self._used + len(GUARD) + SLACK)
        self._url, self._in = (self._part(at, IN_SIZE) for at in (0, IN_SIZE))
        self._out = self._part(2 * IN_SIZE, out_buffer_size + len(GUARD) + SLACK)
        self._guard = self._part(self._used, len(GUARD))
        self._floats = ctypes.create_string_buffer(256)  # a fenv_t
        self._wipe(len(self._memory))
        _bindings.add(self)

    def _part(self, at: int, size: int) -> "ctypes.Array[ctypes.c_char]":
        return (ctypes.c_char * size).from_buffer(self._memory, at)

    def _take_lock(self) -> None:
        with _locks_lock:
            self._lock = _locks.setdefault(_address(self._function), threading.Lock())

    def _wipe(self, size: int) -> None:
        ctypes.memset(self._memory, 0, size)
        self._guard.raw = GUARD

    def call(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """The return value, and OutData up to its terminator. Raises ``CrashError``."""
        if b"\0" in url or b"\0" in in_data:
            raise ValueError("a C string ends at its first NUL: neither the URL nor the request may hold one")
        with self._lock:
            # The DLL takes char*: what it may write into must not be a bytes object, which Python shares.
            url_room = _put(self._url, url)
            in_room = _put(self._in, in_data)
            try:
                _keep_floats(self._floats)
                try:
                    address = self._function(url_room, in_room, self._out)
                    returned = None if address is None else ctypes.string_at(address)
                except OSError as error:  # Windows turns an access violation into one
                    raise CrashError(f"the DLL crashed ({error})", self._out.value[: self._size]) from None
                finally:
                    _restore_floats(self._floats)  # a DLL may leave it such that 1 / 3 is another number
                if self._guard.raw != GUARD:
                    raise CrashError(
                        f"the DLL wrote past the {self._size:,} bytes of OutData, so the memory of its process "
                        "is not to be trusted: restart it, and give a larger out_buffer_size",
                        self._out.value,
                    )
                return returned, self._out.value[: self._size]
            finally:
                self._wipe(self._used if self._guard.raw == GUARD else len(self._memory))
                for room in (url_room, in_room):
                    if len(room) > IN_SIZE:
                        ctypes.memset(room, 0, len(room))


def _put(room: Any, text: bytes) -> Any:
    """``text`` in ``room``, or in one of its own where it is longer."""
    if len(text) >= IN_SIZE:
        room = ctypes.create_string_buffer((len(text) // 4096 + 1) * 4096)  # ctypes makes a type for every size
    room.value = text
    return room


def serve(channel: Any) -> None:
    """The other side of ``IsolatedDll``: the path and the buffer size, then a URL and InData for each call.

    Each is answered by a tuple: what it is, and the arguments of the error or the result.
    """
    _leave_the_parent_alone()
    threading.Thread(target=_end_with_the_parent, args=(channel,), daemon=True).start()
    messages: SimpleQueue[Any] = SimpleQueue()  # the channel's own, written in Python, takes longer
    channel.setcallback(messages.put, endmarker=None)
    path, out_buffer_size = messages.get()
    try:
        bound = Binding(path, out_buffer_size)
    except LoadError as error:
        reason, file, text = error.args
        version = ".".join(map(str, sys.version_info[:3]))
        channel.send(("load", reason, file, f"{text} (in Python {version}, {WIDTH}-bit)"))
        return
    except ValueError as error:
        channel.send(("value", str(error)))
        return
    channel.send(("loaded",))
    for url, in_data in iter(messages.get, None):
        try:
            channel.send(("answer", *bound.call(url, in_data)))
        except CrashError as error:
            channel.send(("crash", *error.args))
        except ValueError as error:
            channel.send(("value", str(error)))


def take_the_pipes() -> "Tuple[int, int]":
    """Standard input and output as file descriptors that nothing else in this process can reach.

    ``IsolatedDll`` sends this function's source alone and first, so its imports are its own and its annotation is text.
    """
    import os
    import sys

    handles: Set[int] = set()
    if sys.platform == "win32":
        import msvcrt

        handles = {msvcrt.get_osfhandle(fd) for fd in (0, 1, 2)}
    pipes = os.dup(0), os.dup(1)
    nothing = [os.open(os.devnull, os.O_RDWR)]
    for fd in (0, 1, 2):
        os.dup2(nothing[0], fd)
    # Windows: a process has several C runtimes. Python's has let go of the three handles that the process was started
    # with; msvcrt.dll, which old DLLs print with, still knows them by number, and Windows gives a number to the next
    # handle that is opened. So that a printf never gets into somebody else's file, the numbers go to the null device.
    if sys.platform == "win32":
        handles.difference_update(map(msvcrt.get_osfhandle, (0, 1, 2)))
        while handles.difference(map(msvcrt.get_osfhandle, nothing)) and len(nothing) < 64:
            nothing.append(os.open(os.devnull, os.O_RDWR))
        for fd in nothing:
            if msvcrt.get_osfhandle(fd) not in handles:
                os.close(fd)
    return pipes


def _leave_the_parent_alone() -> None:
    """Have what the DLL starts end with this process, and no Ctrl-C meant for the parent, nor a dialogue, reach it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.name != "nt":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash would write what the DLL was sent to disk
        if os.getpgid(0) != os.getpid():
            os.setsid()
        return
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]
    kernel32.SetErrorMode(0x8003)  # no message box: FAILCRITICALERRORS, NOGPFAULTERRORBOX, NOOPENFILEERRORBOX
    kernel32.CreateJobObjectW.restype = kernel32.GetCurrentProcess.restype = c_void_p
    job = c_void_p(kernel32.CreateJobObjectW(None, None))
    # JOBOBJECT_EXTENDED_LIMIT_INFORMATION with JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, which is when this process ends.
    limits = struct.pack("<16xL", 0x2000).ljust(144 if WIDTH == 64 else 112, b"\0")
    kernel32.SetInformationJobObject(job, 9, limits, len(limits))
    kernel32.AssignProcessToJobObject(job, c_void_p(kernel32.GetCurrentProcess()))


def _end_with_the_parent(channel: Any) -> None:
    # The DLL may hang in the main thread for as long as it likes: this one sees the pipe's end.
    with suppress(Exception):  # execnet's word for how it ended
        channel.waitclose()
    if os.name != "nt":
        os.killpg(0, signal.SIGKILL)
    ctypes.WinDLL("kernel32").TerminateProcess(c_void_p(-1), 1)  # type: ignore[attr-defined,unused-ignore]


if __name__ == "__channelexec__":
    serve(channel)  # type: ignore[name-defined]  # noqa: F821
