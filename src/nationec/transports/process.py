"""``Process`` starts, asks and ends the Python that runs ``worker``."""

# The pipes do not block on this side. ``_wait`` repeats a read or a write until it
# succeeds, the deadline passes, or the process ends. This needs no thread, a deadline
# also fires under gevent and eventlet, and a signal handler can cancel the call that it
# interrupted.

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from io import FileIO
from typing import Any, Callable, Dict, List, Optional, TypeVar

from ..language import cut
from . import worker

if sys.platform == "win32":
    import msvcrt

    kernel32 = ctypes.WinDLL("kernel32")

T = TypeVar("T")

# -I: no PYTHONPATH, which is for this Python, and no current directory.
# -B: no file is written. -S: what is installed is not needed, and takes time.
_OPTIONS = ("-I", "-B", "-S", "-c")
_BOOTSTRAP = "import sys; exec(eval(sys.stdin.buffer.readline()))"
# Makes modules of the sources, without files.
_PROGRAM = """
package = sys.modules["nationec"] = type(sys)("nationec")
package.__path__ = []
for name, source in {sources!a}:
    module = sys.modules["nationec." + name] = type(sys)("nationec." + name)
    module.__package__ = "nationec"
    setattr(package, name, module)
    exec(compile(source, name + ".py", "exec"), vars(module))
package.worker.main(*{settings!a})
"""
_SENT = ("memory", "binding", "worker")  # each imports those before it
# How much to write at once. Windows writes nothing at all if it does not fit.
_PIECE = 2048 if sys.platform == "win32" else 1 << 20

# Held while a process starts: a child forked at that moment would keep its pipes open.
start_lock = threading.RLock()


def bootstrap(*settings: Any) -> Optional[bytes]:
    """Return the line that makes a Python a worker.

    ``None`` if the sources are not there: a packed program may have bytecode only.
    """
    folder = os.path.dirname(__file__)
    loader: Any = globals()["__loader__"]  # it also reads from a zip
    try:
        sources = [
            (name, loader.get_data(f"{folder}{os.sep}{name}.py").decode("utf-8"))
            for name in _SENT
        ]
    except (OSError, AttributeError):
        return None
    program = _PROGRAM.format(sources=sources, settings=settings)
    return ascii(program).encode() + b"\n"


class Process:
    """A Python that runs ``worker``."""

    def __init__(self) -> None:
        self.cancelled = False
        self.worker_pid = 0
        self._ready = False
        self._arrived = b""
        self._popen: Any = None

    def start(self, python: List[str]) -> None:
        """Start it. Raises ``OSError``."""
        with start_lock:
            popen: Any = subprocess.Popen(
                [*python, *_OPTIONS, _BOOTSTRAP],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                **_surroundings(),
            )
            self._finalizer = weakref.finalize(self, _end, popen, os.getpid())
            self._popen = popen
        # Not Popen's own files: eventlet replaces them by files that block.
        self._stdin = FileIO(popen.stdin.fileno(), "wb", False)
        self._stdout = FileIO(popen.stdout.fileno(), "rb", False)
        for pipe in (self._stdin, self._stdout):
            _make_non_blocking(pipe.fileno())

    def is_ready(self) -> bool:
        """Whether the process runs and waits for a question."""
        return self._ready and not self.cancelled and self._popen.poll() is None

    def allow_foreground(self) -> None:
        """Allow the DLL to open a window in front, as some do to scan (Windows)."""
        if sys.platform == "win32":
            ctypes.windll.user32.AllowSetForegroundWindow(self.worker_pid)

    def ask(self, question: bytes, timeout: float) -> List[bytes]:
        """Return the answer to ``question``. If none comes, end the process.

        Raises ``TimeoutError``, and ``EOFError`` with how the process ended.
        """
        self._deadline = time.monotonic() + timeout
        self._ready = False
        try:
            worker.write_all(self, question)
            answer = worker.read_frame(self)
            self._ready = True
            return answer
        except TimeoutError:  # an OSError too
            raise
        except (EOFError, OSError, ValueError):  # ValueError: a closed file
            raise EOFError(self._how_it_ended()) from None
        finally:
            if not self._ready:  # a late answer must not go to another question
                self.end()

    def read(self, size: int) -> bytes:
        """Wait for bytes, and return up to ``size`` of them."""
        if not self._arrived:
            self._arrived = self._wait(self._stdout, self._read_some)
        piece, self._arrived = self._arrived[:size], self._arrived[size:]
        return piece

    def write(self, data: memoryview) -> int:
        """Wait until the process takes bytes of ``data``, and return how many."""
        return self._wait(self._stdin, lambda: self._write_some(data[:_PIECE]))

    def _wait(self, pipe: FileIO, attempt: Callable[[], Optional[T]]) -> T:
        """Repeat ``attempt`` until it has a result.

        Raises ``TimeoutError``, and ``EOFError`` if the process has ended.
        """
        began, ended = time.monotonic(), False
        while True:
            result = attempt()
            if result is not None:
                return result
            if ended:
                raise EOFError
            now = time.monotonic()
            if now >= self._deadline:
                raise TimeoutError
            _pause(pipe, now - began, self._deadline - now)
            # Ask for the process and not only for the pipe's end: Wine's services keep
            # the pipes open. Then try once more: it may have written before it ended.
            ended = self.cancelled or self._popen.poll() is not None

    def _read_some(self) -> Optional[bytes]:
        size = 65536
        if sys.platform == "win32":
            size = _bytes_in(self._stdout)
            if size == 0:
                return None
        return self._stdout.read(size)

    def _write_some(self, data: memoryview) -> Optional[int]:
        try:
            return self._stdin.write(data)
        except OSError:
            if sys.platform != "win32":
                raise
            return None  # a full pipe, or the end

    def cancel(self) -> None:
        """End the process from another thread or in a signal handler."""
        # Take no lock and close no pipe: a call may be using them.
        self.cancelled = True
        if self._popen is not None and self._finalizer.alive:
            _kill(self._popen)

    def end(self) -> None:
        """End the process and all that it started."""
        _end(self._popen, os.getpid())
        self._finalizer.detach()

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(1)
        code = self._popen.returncode
        if code is None:
            return "it was ended"
        if code < 0:
            names = {member.value: member.name for member in signal.Signals}
            return f"signal {names.get(-code, -code)}"
        # Then the system forgets the status, and Popen makes it 0.
        sigchld = getattr(signal, "SIGCHLD", None)
        if sigchld and signal.getsignal(sigchld) == signal.SIG_IGN:
            return "its exit status is not known"
        return f"exit code {code if code < 256 else hex(code)}"

    def abandon(self) -> None:
        """In a forked child: close the pipes, and leave the process to the parent."""
        if self._popen is not None:
            self._popen.returncode = 0  # so that nothing here waits for it
            self._popen.stdin.close()
            self._popen.stdout.close()


def _pause(pipe: FileIO, waited: float, left: float) -> None:
    """Wait until ``pipe`` is ready, but only for a moment."""
    if sys.platform != "win32" and hasattr(select, "poll"):
        poll = select.poll()
        poll.register(pipe, select.POLLIN if pipe.readable() else select.POLLOUT)
        poll.poll(1000 * min(left, 0.1))
    else:
        # Windows, and eventlet, which removes select.poll. An answer takes either
        # microseconds or seconds.
        time.sleep(0 if waited < 0.001 else min(waited / 20, 0.02))


def _make_non_blocking(fd: int) -> None:
    if sys.platform == "win32":
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(fd))
        nowait = ctypes.byref(ctypes.c_ulong(1))  # PIPE_NOWAIT
        kernel32.SetNamedPipeHandleState(handle, nowait, None, None)
    else:
        os.set_blocking(fd, False)


def _bytes_in(pipe: FileIO) -> int:
    """Return how many bytes can be read (Windows). Raises ``EOFError`` at the end."""
    size = ctypes.c_ulong()
    if sys.platform == "win32":
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(pipe.fileno()))
        there = ctypes.byref(size)
        if not kernel32.PeekNamedPipe(handle, None, 0, None, there, None):
            raise EOFError
    return size.value


def _kill(popen: "subprocess.Popen[bytes]") -> None:
    if sys.platform != "win32":
        # A process that has just started has no group of its own yet. macOS refuses
        # for one that has ended.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
    popen.kill()


def _end(popen: Any, owner: int) -> None:
    if os.getpid() == owner:  # not in a forked child
        _kill(popen)
        with suppress(subprocess.TimeoutExpired):
            popen.wait(5)
        popen.stdin.close()
        popen.stdout.close()


def _surroundings() -> Dict[str, Any]:
    environment = None
    if hasattr(sys, "_MEIPASS"):
        # PyInstaller has put its own libraries here: another Python must not load them.
        original = os.environ.get("LD_LIBRARY_PATH_ORIG", "")
        environment = {**os.environ, "LD_LIBRARY_PATH": original}
    return {
        # Wine looks for /opt/x.dll on the drive of the current directory. The drive of
        # / is the one that has the files of Linux.
        "cwd": None if os.name == "nt" else "/",
        "env": environment,
        "creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0),
    }


def startup_error(python: List[str]) -> str:
    """Start the failed Python once more, and return the error that it prints."""
    command = [*python, *_OPTIONS, "pass"]
    options: Any = {"stdin": subprocess.DEVNULL, "timeout": 10, **_surroundings()}
    try:
        ran = subprocess.run(command, capture_output=True, **options)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = ran.stderr.decode(errors="replace").split("\n")
    errors = [line for line in lines if "rror" in line]
    # After a fatal error more lines follow. Before 3.4 the first line says: no -I.
    return cut(errors[-1] if errors else lines[0])
