"""``IsolatedDll``: calls the DLL in another process."""

# The first call starts the process. After a crash, or a late or interrupted call, the
# process is ended, and the next call starts another.
#
# One lock allows one call at a time. It is reentrant, and ``cancel`` does not take it,
# so a signal handler can end the call that it interrupts. The constructor makes
# relative paths absolute: the current directory may change before the process starts.

import ast
import ntpath
import os
import shlex
import subprocess
import sys
import threading
import weakref
from typing import Any, List, Optional, Sequence, Tuple, Union

from ..errors import DllLoadError, crash_error, load_error, timeout_error
from ..language import _, option
from . import binding, worker
from .dll import OUT_BUFFER_SIZE, StrPath, check_size, checked_folder, refuse_nul
from .process import Process, bootstrap, start_lock, startup_error

TIMEOUT = 60.0
"""The default of ``timeout``, in seconds."""


class IsolatedDll:
    """The DLL at ``path``, called in another process.

    Use it for a DLL of the other width (``python=r"C:\\Python38-32\\python.exe"``), a
    Windows DLL on Linux (``python=["wine", "C:/Python38-32/python.exe"]``), and a DLL
    that may hang or crash. ``python`` is the command of a CPython 3.8 or later, as a
    list or as a string quoted as in a shell; this interpreter by default. It needs no
    packages.

    ``timeout`` limits each call, in seconds; ``None`` waits for ever. It starts when
    the call is sent, so waiting for another thread's call and for the process to start
    is not counted. ``start_timeout`` limits the start of the process with the loading
    of the DLL. ``out_buffer_size`` is the size of OutData in bytes.

    The process lives in the DLL's folder, where the DLL finds its settings and writes
    its log, or in ``cwd``. The first call starts it, or ``start``. After
    ``DllTimeoutError`` and ``DllCrashError`` it is gone, and the next call starts
    another. It ends when this process ends or is killed. A forked child starts a
    process of its own.

    Processes that the DLL has started end with it, with two exceptions: on Linux those
    that have started their own session, and on Windows 7 all if the process was started
    in a job, as by a virtual environment's ``python.exe``, a debugger or a service
    manager.

    Raises ``ValueError`` for an argument that cannot be used.
    """

    def __init__(
        self,
        path: StrPath,
        *,
        python: Union[str, Sequence[str], None] = None,
        timeout: Optional[float] = TIMEOUT,
        start_timeout: float = 30.0,
        cwd: Optional[StrPath] = None,
        out_buffer_size: int = OUT_BUFFER_SIZE,
    ) -> None:
        _check_seconds("timeout", 1 if timeout is None else timeout)
        _check_seconds("start_timeout", start_timeout)
        check_size(out_buffer_size)
        self.path = _absolute_unless_foreign(os.fsdecode(path))
        self.timeout = timeout
        self._python = _command(python)
        self._start_timeout = start_timeout
        self._cwd = checked_folder(cwd)
        self._out_buffer_size = out_buffer_size
        self._closed = False
        self._process: Optional[Process] = None
        self._lock = threading.RLock()
        _instances.add(self)

    def __repr__(self) -> str:
        settings = f"python={self._python!r}, timeout={self.timeout!r}"
        return f"IsolatedDll({self.path!r}, {settings})"

    def __enter__(self) -> "IsolatedDll":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and load the DLL now, to find problems early.

        Raises ``DllLoadError``.
        """
        with self._lock:
            self._ready_process()

    def cancel(self) -> None:
        """End the process now, from any thread or signal handler.

        The call under way raises ``DllCrashError``. The next call starts another
        process.
        """
        process = self._process
        if process is not None:
            process.cancel()

    def stop(self) -> None:
        """Wait for another thread's call, then end the process.

        In a signal handler it does not wait: it cancels the call that it interrupts.
        The next call starts another process.
        """
        with self._lock:
            self.cancel()
            # Its finalizer cleans up, as soon as no interrupted call refers to it.
            self._process = None

    def close(self) -> None:
        """Do what ``stop`` does, and refuse all further calls."""
        self._closed = True
        self.stop()

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """See ``Transport``.

        Raises ``DllLoadError``, ``DllTimeoutError`` and ``DllCrashError``.
        """
        refuse_nul(url, in_data)
        timeout = float("inf") if self.timeout is None else self.timeout
        with self._lock:
            process = self._ready_process()
            process.allow_foreground()
            try:
                question = worker.framed(url, in_data)
                kind, out_data, *rest = process.ask(question, timeout)
            except TimeoutError:
                raise timeout_error(timeout) from None
            except EOFError as error:
                reason = "cancelled" if process.cancelled else "ended"
                raise crash_error(reason, detail=str(error)) from None
            if kind == b"answer":
                return (rest[0] if rest else None), out_data
            process.end()
        facts = ast.literal_eval(rest[0].decode())
        raise crash_error(received=out_data, **facts)

    def _ready_process(self) -> Process:
        if self._closed:
            raise ValueError(_("this transport is closed: make a new one"))
        process = self._process
        if process is None or not process.is_ready():
            # After an interrupted call the old one may still run: it must not share
            # the scanner with the new one.
            self.cancel()
            process = self._new_process()
        return process

    def _new_process(self) -> Process:
        line = bootstrap(self.path, self._out_buffer_size, self._cwd)
        if line is None:
            raise self._no_interpreter("no-sources")
        self._process = process = Process()  # so that it can be cancelled
        try:
            process.start(self._python)
            kind, answer = process.ask(line, self._start_timeout)
        except TimeoutError:
            raise self._no_interpreter("late", seconds=self._start_timeout) from None
        except OSError as error:
            raise self._no_interpreter("absent", detail=str(error)) from None
        except EOFError as error:
            if process.cancelled:
                raise load_error("cancelled", command=self._command_line) from None
            detail = startup_error(self._python) or str(error)
            raise self._no_interpreter("ended", detail=detail) from None
        if kind == b"loaded":
            process.worker_pid = int(answer)
            return process
        process.end()
        facts = ast.literal_eval(answer.decode())
        raise load_error(command=self._command_line, **facts)

    def _no_interpreter(self, how: str, **facts: Any) -> DllLoadError:
        facts = {"how": how, "command": self._command_line, **facts}
        return load_error("no-interpreter", self._python[0], **facts)

    def _forget(self) -> None:
        """Reset a forked child: the thread that holds the lock is not in the child."""
        process, self._process = self._process, None
        self._lock = threading.RLock()
        if process is not None:
            process.abandon()

    @property
    def _command_line(self) -> str:
        return subprocess.list2cmdline(self._python)


def _check_seconds(name: str, seconds: float) -> None:
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        text = _("{name} must be a number of seconds, more than 0")
        raise ValueError(text.format(name=name))


def _command(python: Union[str, Sequence[str], None]) -> List[str]:
    if python is None:
        # A packed program would start itself, for ever.
        packed = getattr(sys, "frozen", False) or "__compiled__" in globals()
        if packed or not sys.executable:
            text = _(
                "this program is not a Python interpreter: "
                "give {python} the command of one"
            )
            raise ValueError(text.format(python=option("python")))
        return [sys.executable]
    if isinstance(python, str):
        python = [python] if os.path.exists(python) else _split(python)
    if not python:
        raise ValueError(
            _("python is empty: give the command of a Python, or leave it out")
        )
    return [
        _absolute_unless_foreign(part) if os.path.exists(part) else part
        for part in python
    ]


def _split(text: str) -> List[str]:
    if os.name != "nt":
        return shlex.split(text)
    # Not by POSIX rules, since the backslash is in every path.
    return [part.strip('"') for part in shlex.split(text, posix=False)]


def _absolute_unless_foreign(path: str) -> str:
    """Make ``path`` absolute, unless it is a bare name or another system's."""
    foreign = os.name != "nt" and ntpath.splitdrive(path)[0]
    if foreign or not os.path.dirname(path):
        return path
    return binding.absolute(path)


_instances: "weakref.WeakSet[IsolatedDll]" = weakref.WeakSet()


def _after_fork() -> None:
    start_lock.release()
    for isolated in list(_instances):
        isolated._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=start_lock.acquire,
        after_in_parent=start_lock.release,
        after_in_child=_after_fork,
    )
