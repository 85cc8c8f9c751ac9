"""The program of ``IsolatedDll``'s process: the binding, asked through pipes."""

# ``IsolatedDll`` starts a Python and writes the sources of ``memory``, ``binding`` and
# this file into its standard input. Then it sends questions and receives answers as
# frames: a count, the lengths, the bytes. No port, no file, no pickle. The pipes are
# moved to where the DLL cannot reach them, and what it prints goes nowhere. The main
# thread makes the calls. Another thread reads the questions, and ends the process as
# soon as the pipe ends, also while the DLL hangs.
#
# Standard library only, for any CPython from 3.8 on. Each import here takes part of the
# time in which the process starts.

from __future__ import annotations

import _thread
import ctypes
import os
import struct
import sys
from _queue import SimpleQueue

from . import binding

TYPE_CHECKING = False
if TYPE_CHECKING:  # see binding
    from typing import Any

_SIGKILL = 9  # without the import of signal


def framed(*parts: bytes) -> bytes:
    """Return a frame: how many parts, the length of each, their bytes."""
    head = struct.pack(f"<B{len(parts)}L", len(parts), *map(len, parts))
    return head + b"".join(parts)


def write_all(pipe: Any, data: bytes) -> None:
    """Write all of ``data``: an unbuffered pipe may take a piece at a time."""
    left = memoryview(data)
    while left:
        left = left[pipe.write(left) :]


def read_frame(pipe: Any) -> list[bytes]:
    """Return the parts of the next frame. Raises ``EOFError`` at the pipe's end."""
    (count,) = _exactly(pipe, 1)
    sizes = struct.unpack(f"<{count}L", _exactly(pipe, 4 * count))
    return [_exactly(pipe, size) for size in sizes]


def _exactly(pipe: Any, size: int) -> bytes:
    pieces = []
    while size:
        piece = pipe.read(size)
        if not piece:
            raise EOFError
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def main(path: str, out_buffer_size: int, cwd: str | None) -> None:
    """Load the DLL at ``path``, say so, and answer calls until the parent ends.

    The process lives in the DLL's folder, or in ``cwd``.
    """
    incoming, outgoing = _take_the_pipes()
    _detach()
    questions: SimpleQueue[list[bytes]] = SimpleQueue()
    _thread.start_new_thread(_listen, (incoming, questions))
    try:
        path = binding.find(path)
        binding.change_directory(cwd or os.path.dirname(path))
        bound = binding.Binding(path, out_buffer_size, None)
    except binding.LoadError as error:
        version = ".".join(map(str, sys.version_info[:3]))
        facts = {**error.facts, "version": version, "bits": binding.WIDTH}
        write_all(outgoing, framed(b"load-error", ascii(facts).encode()))
        questions.get()  # blocks until the parent ends this process
    write_all(outgoing, framed(b"loaded", b"%d" % os.getpid()))
    while True:
        write_all(outgoing, framed(*_answer(bound, *questions.get())))


def _answer(bound: binding.Binding, url: bytes, in_data: bytes) -> list[bytes]:
    try:
        returned, out_data = bound.call(url, in_data)
    except binding.CrashError as error:
        return [b"crash", error.received, ascii(error.facts).encode()]
    if returned is None:
        return [b"answer", out_data]
    return [b"answer", out_data, returned]


def _listen(pipe: Any, questions: SimpleQueue[list[bytes]]) -> None:
    try:
        while True:
            questions.put(read_frame(pipe))
    except (EOFError, OSError):
        pass  # the parent has ended, or closed the pipe
    # What the DLL has started ends too: on Windows with the job.
    if sys.platform != "win32":
        os.killpg(0, _SIGKILL)
    else:
        ctypes.WinDLL("kernel32").TerminateProcess(ctypes.c_void_p(-1), 1)


def _take_the_pipes() -> tuple[Any, Any]:
    """Move standard input and output to where the DLL cannot reach them."""
    before = _handles([0, 1, 2])
    pipes = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    nothing = [os.open(os.devnull, os.O_RDWR)]
    for fd in (0, 1, 2):
        os.dup2(nothing[0], fd)
    # Windows: a process has several C runtimes. Python's has closed the three handles
    # that the process was started with. msvcrt.dll, which old DLLs print with, still
    # knows their numbers, and Windows gives a free number to the next handle. Give
    # these numbers to the null device, or a printf would write into another file. The
    # limit of 64 is for a number that Windows does not give out again.
    wanted = before - _handles([0, 1, 2])
    while wanted - _handles(nothing) and len(nothing) < 64:
        nothing.append(os.open(os.devnull, os.O_RDWR))
    for fd in nothing:
        if not _handles([fd]) & wanted:
            os.close(fd)
    return pipes


def _handles(fds: list[int]) -> set[int]:
    """Return the Windows handles of these file descriptors."""
    if sys.platform != "win32":
        return set()
    import msvcrt

    return {msvcrt.get_osfhandle(fd) for fd in fds}


def _detach() -> None:
    """Ignore the parent's Ctrl-C, show no dialog, and leave no core file.

    On Windows, end together with all that the DLL starts.
    """
    if sys.platform == "win32":
        kernel32 = ctypes.WinDLL("kernel32")
        kernel32.SetConsoleCtrlHandler(None, True)
        # FAILCRITICALERRORS, NOGPFAULTERRORBOX, NOOPENFILEERRORBOX
        kernel32.SetErrorMode(0x8003)
        _enter_a_job()
        return
    import resource

    # A crash would write what the DLL was sent to the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A terminal sends Ctrl-C to its own session only.
    if os.getpgid(0) != os.getpid():
        os.setsid()


def _enter_a_job() -> None:
    """Put this process into a job that ends with it."""
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]
    kernel32.CreateJobObjectW.restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel32.CreateJobObjectW(None, None))
    # JOBOBJECT_EXTENDED_LIMIT_INFORMATION with JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE:
    # the handle is closed when this process ends. On Windows 7 it fails if the process
    # is in a job already (see IsolatedDll).
    size = 144 if binding.WIDTH == 64 else 112
    limits = struct.pack("<16xL", 0x2000).ljust(size, b"\0")
    kernel32.SetInformationJobObject(job, 9, limits, size)
    kernel32.AssignProcessToJobObject(job, ctypes.c_void_p(-1))
