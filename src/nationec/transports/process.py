"""The process behind ``IsolatedDll``: a Python that runs ``worker``."""

# The pipes do not block on this side: whoever asks looks at them until the answer, the
# deadline or the end of the process. So there is no thread, a deadline also fires where
# threads are green (gevent, eventlet), and a signal handler can cancel its own call.

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
    import _winapi
    import msvcrt

T = TypeVar("T")

_BOOTSTRAP = "import sys; exec(eval(sys.stdin.buffer.readline()))"
# Makes modules of the sources, in a package that is nowhere on the disk.
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
_SENT = ("memory", "binding", "worker")
_PIECE = 2048 if sys.platform == "win32" else 1 << 20  # a full pipe there takes none


def program(*settings: Any) -> Optional[bytes]:
    """Return the line that makes a Python a worker, ``None`` without the sources."""
    folder = os.path.dirname(__file__)
    loader: Any = globals()["__loader__"]
    try:
        files = [(it, loader.get_data(f"{folder}{os.sep}{it}.py")) for it in _SENT]
    except (OSError, AttributeError):
        return None
    sources = [(name, source.decode("utf-8")) for name, source in files]
    program = _PROGRAM.format(sources=sources, settings=settings)
    return ascii(program).encode() + b"\n"


# Held while a process starts. A child forked meanwhile would keep its pipes open.
starting = threading.RLock()


class Process:
    """A Python that runs ``worker``."""

    def __init__(self) -> None:
        self.cancelled = False
        self.number = 0
        self._waits = False
        self._arrived = b""
        self._popen: Any = None

    def start(self, python: List[str]) -> None:
        """Start it. Raises ``OSError``."""
        # -I: no PYTHONPATH, which is for this Python, and no current directory.
        # -B: no file is written. -S: what is installed is not needed, and takes time.
        # In /, where Wine reads a path of Linux as one: else the drive may be C:.
        with starting:
            popen = subprocess.Popen(
                [*python, "-I", "-B", "-S", "-c", _BOOTSTRAP],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=None if os.name == "nt" else "/",
                env=_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            self._end_at_exit = weakref.finalize(self, _end, popen, os.getpid())
            self._popen = popen
        # Not Popen's own files: eventlet replaces them by some that wait for ever.
        self._to = FileIO(self._popen.stdin.fileno(), "wb", False)
        self._from = FileIO(self._popen.stdout.fileno(), "rb", False)
        for pipe in (self._to, self._from):
            _make_non_blocking(pipe.fileno())

    def waits(self) -> bool:
        """Whether the process is there and waits for a question."""
        return self._waits and not self.cancelled and self._popen.poll() is None

    def let_come_to_front(self) -> None:
        """Windows: allow a window that the DLL opens, to scan in, to take the focus."""
        if sys.platform == "win32":
            ctypes.windll.user32.AllowSetForegroundWindow(self.number)

    def ask(self, question: bytes, timeout: float) -> List[bytes]:
        """Return the answer to ``question``. If none comes, end the process.

        Raises ``TimeoutError``, and ``EOFError`` with how the process ended.
        """
        self._until = time.monotonic() + timeout
        self._waits = False
        try:
            worker.write(self, question)
            answer = worker.read(self)
            self._waits = True
            return answer
        except TimeoutError:
            raise
        except (EOFError, OSError, ValueError):  # ValueError: a closed file
            raise EOFError(self._how_it_ended()) from None
        finally:
            if not self._waits:  # a late answer must not go to another question
                self.end()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, when there are any."""
        if not self._arrived:
            self._arrived = self._wait(self._from, self._look)
        piece, self._arrived = self._arrived[:size], self._arrived[size:]
        return piece

    def write(self, data: memoryview) -> int:
        """Wait until the process takes some of ``data``. Return how much."""
        return self._wait(self._to, lambda: self._taken(data[:_PIECE]))

    def _wait(self, pipe: FileIO, look: Callable[[], Optional[T]]) -> T:
        """Look until there is a result."""
        began, ended = time.monotonic(), False
        while True:
            result = look()
            if result is not None:
                return result
            if ended:
                raise EOFError
            now = time.monotonic()
            if now >= self._until:
                raise TimeoutError
            _pause(pipe, now - began, self._until - now)
            # The end of the pipe is not enough: Wine's services keep the pipe of the
            # process that started them. What was written before the end still counts.
            ended = self.cancelled or self._popen.poll() is not None

    def _look(self) -> Optional[bytes]:
        size = 65536
        if sys.platform == "win32":
            handle = msvcrt.get_osfhandle(self._from.fileno())
            size = _winapi.PeekNamedPipe(handle, 0)[0]
            if not size:
                return None
        return self._from.read(size)

    def _taken(self, data: memoryview) -> Optional[int]:
        try:
            return self._to.write(data)
        except OSError:
            if sys.platform != "win32":
                raise
            return None  # a full pipe, or the end

    def cancel(self) -> None:
        """End the process from another thread or in a signal handler."""
        # No lock, and no pipe is closed: a call may be using it.
        self.cancelled = True
        if self._popen is not None and self._end_at_exit.alive:
            _kill(self._popen)

    def end(self) -> None:
        """End the process and all that it started."""
        _end(self._popen, os.getpid())
        self._end_at_exit.detach()

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(1)
        code = self._popen.returncode
        if code is None:
            return "it was ended"
        if code < 0:
            names = {member.value: member.name for member in signal.Signals}
            return f"signal {names.get(-code, -code)}"
        children = getattr(signal, "SIGCHLD", None)
        if children and signal.getsignal(children) == signal.SIG_IGN:
            return "its exit status is not known"
        return f"exit code {code if code < 256 else hex(code)}"

    def abandon(self) -> None:
        """In a forked child: close the pipes, and leave the process to the parent."""
        if self._popen is not None:
            self._popen.returncode = 0
            self._popen.stdin.close()
            self._popen.stdout.close()


def _pause(pipe: FileIO, waited: float, left: float) -> None:
    """Wait a moment for ``pipe``."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(pipe, select.POLLIN if pipe.readable() else select.POLLOUT)
        poll.poll(1000 * min(left, 0.1))
    else:
        # Windows, and eventlet. Most answers take either microseconds or seconds.
        time.sleep(0 if waited < 0.001 else min(waited / 20, 0.02))


def _make_non_blocking(fd: int) -> None:
    if sys.platform == "win32":
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(fd))
        nowait = ctypes.byref(ctypes.c_ulong(1))  # PIPE_NOWAIT
        ctypes.WinDLL("kernel32").SetNamedPipeHandleState(handle, nowait, None, None)
    else:
        os.set_blocking(fd, False)


def _kill(popen: "subprocess.Popen[bytes]") -> None:
    if sys.platform != "win32":
        # It may not have a group yet.
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


def _environment() -> Optional[Dict[str, str]]:
    if not hasattr(sys, "_MEIPASS"):
        return None
    # PyInstaller's program finds its own libraries there; another Python must not.
    original = os.environ.get("LD_LIBRARY_PATH_ORIG", "")
    return {**os.environ, "LD_LIBRARY_PATH": original}


def last_words(python: List[str]) -> str:
    """Start a Python that ended as it started once more. Return what it says."""
    command = [*python, "-I", "-B", "-S", "-c", "pass"]
    options: Any = {"stdin": subprocess.DEVNULL, "env": _environment(), "timeout": 10}
    try:
        ran = subprocess.run(command, capture_output=True, **options)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = ran.stderr.decode(errors="replace").split("\n")
    # The last line of a fatal error names no error.
    errors = [line for line in lines if "rror" in line] or lines
    return cut(errors[-1])
