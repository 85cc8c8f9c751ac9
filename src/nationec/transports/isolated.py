"""The DLL in a process of its own."""

# Whether the process has ended is looked at before each call, and then it is started
# anew: after a late call, a crash or an interrupted call it has. A path means what it
# means where the object is made, so it is made absolute there, and the process may be
# started anew from anywhere. One lock makes the calls, and what starts and ends the
# process, one at a time.

import ast
import ntpath
import os
import shlex
import subprocess
import sys
import threading
import weakref
from queue import Empty
from typing import List, Optional, Sequence, Tuple, Union

from ..errors import DllLoadError, crash_error, load_error, timeout_error
from ..language import _, option
from . import worker
from .dll import OUT_BUFFER_SIZE, Path, check_texts, checked
from .process import Process, program

TIMEOUT = 60.0
"""Seconds that a call may take, unless told."""


class IsolatedDll:
    """The DLL at ``path``, as the other process sees it, called there.

    It serves a DLL of the other width (``python=r"C:\\Python38-32\\python.exe"``), a
    Windows DLL on Linux (``python=["wine", "C:/Python38-32/python.exe"]``), and any DLL
    that may hang or crash. ``python`` is the command of a CPython 3.8 or later that
    needs nothing installed, as a list or as a string with its parts quoted as in a
    shell; this interpreter by default.

    ``timeout`` is in seconds, for each call from when it is sent: waiting for another
    thread's call, and for the process to start, is not counted, since nothing has been
    sent by then. ``None`` waits for ever. ``start_timeout`` is for the process to start
    and load the DLL. ``out_buffer_size`` is the room for an answer in bytes.

    The process lives in the DLL's folder, where the DLL finds its settings and writes
    its log, unless ``cwd`` is another folder for it. It is started by the first call,
    or by ``start``. After ``DllTimeoutError`` and ``DllCrashError`` it is gone with all
    that it started (on Linux but for what has made itself a session of its own), and
    the next call starts another. It ends with this process, however that ends. A forked
    child gets a process of its own.

    Raises ``ValueError``.
    """

    def __init__(
        self,
        path: Path,
        *,
        python: Union[str, Sequence[str], None] = None,
        timeout: Optional[float] = TIMEOUT,
        start_timeout: float = 30.0,
        cwd: Optional[Path] = None,
        out_buffer_size: int = OUT_BUFFER_SIZE,
    ) -> None:
        _check_seconds("timeout", 1 if timeout is None else timeout)
        _check_seconds("start_timeout", start_timeout)
        self.path = _absolute(os.fsdecode(path))
        self.timeout = timeout
        self._python = _command(python)
        self._start_timeout = start_timeout
        self._cwd = checked(cwd, out_buffer_size)
        self._out_buffer_size = out_buffer_size
        self._closed = False
        self._process: Optional[Process] = None
        self._lock = threading.RLock()  # a signal handler may stop or close
        _instances.add(self)

    def __repr__(self) -> str:
        settings = f"python={self._python!r}, timeout={self.timeout!r}"
        return f"IsolatedDll({self.path!r}, {settings})"

    def __enter__(self) -> "IsolatedDll":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and load the DLL now: try it when a program starts.

        Raises ``DllLoadError``.
        """
        with self._lock:
            self._started()

    def cancel(self) -> None:
        """End the process now, from any thread or signal handler.

        The call under way raises ``DllCrashError``; the next call starts another
        process.
        """
        process = self._process
        if process is not None:
            process.cancel()

    def stop(self) -> None:
        """End the process, after another thread's call under way.

        In a signal handler of the thread that is in a call it ends that call, as
        ``cancel`` does. The next call starts another process.
        """
        with self._lock:
            self.cancel()

    def close(self) -> None:
        """Like ``stop``, and nothing can be sent after it."""
        self._closed = True
        self.stop()

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """See ``Transport``.

        Raises ``DllLoadError``, ``DllTimeoutError`` and ``DllCrashError``.
        """
        check_texts(url, in_data)
        timeout = float("inf") if self.timeout is None else self.timeout
        with self._lock:
            process = self._started()
            process.let_come_to_front()
            try:
                question = worker.framed(url, in_data)
                kind, out_data, *rest = process.ask(question, timeout)
            except Empty:
                raise timeout_error(timeout) from None
            except EOFError:
                reason = "cancelled" if process.cancelled else "ended"
                raise crash_error(reason, detail=process.status) from None
            if kind == b"answer":
                return (rest[0] if rest else None), out_data
            process.end()
        reason, facts = ast.literal_eval(rest[0].decode())
        raise crash_error(reason, out_data, **facts)

    def _started(self) -> Process:
        if self._closed:
            raise ValueError(_("this transport is closed: make a new one"))
        if self._process is not None and self._process.has_ended():
            self._process.end()  # between two calls: nothing was under way
            self._process = None
        if self._process is None:
            self._process = self._new_process()
        return self._process

    def _new_process(self) -> Process:
        cwd = checked(self._cwd, self._out_buffer_size)
        settings = self.path, self._out_buffer_size, cwd
        try:
            self._process = process = Process(self._python)
        except OSError as error:
            raise self._no_interpreter("absent", str(error)) from None
        try:
            kind, told = process.ask(program(settings), self._start_timeout)
        except Empty:
            raise self._no_interpreter("late", f"{self._start_timeout:g}") from None
        except EOFError:
            how = "cancelled" if process.cancelled else "ended"
            raise self._no_interpreter(how, process.status) from None
        if kind == b"loaded":
            process.number = int(told)
            return process
        process.end()
        reason, path, facts = ast.literal_eval(told.decode())
        raise load_error(reason, path, command=self._command_line, **facts)

    def _no_interpreter(self, how: str, detail: str) -> DllLoadError:
        facts = {"how": how, "command": self._command_line, "detail": detail}
        return load_error("no-interpreter", self._python[0], **facts)

    @property
    def _command_line(self) -> str:
        return subprocess.list2cmdline(self._python)

    def _forget(self) -> None:
        """In a forked child: take a process of its own, and a lock nobody holds."""
        process, self._process = self._process, None
        self._lock = threading.RLock()
        if process is not None:
            process.abandon()


def _check_seconds(name: str, seconds: float) -> None:
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        text = _("{name} must be a number of seconds, more than 0")
        raise ValueError(text.format(name=name))


def _absolute(path: str) -> str:
    """``path`` as it is meant now; a bare name, or another system's path, as it is."""
    foreign = os.name != "nt" and ntpath.splitdrive(path)[0]
    if foreign or not os.path.dirname(path):
        return path
    return os.path.abspath(path)


def _command(python: Union[str, Sequence[str], None]) -> List[str]:
    if python is None:
        if getattr(sys, "frozen", False):  # it would start itself, for ever
            text = _("this program is no Python: give {python} the command of one")
            raise ValueError(text.format(python=option("python")))
        return [sys.executable]
    if isinstance(python, str):
        python = [python] if os.path.exists(python) else _split(python)
    if not python:
        raise ValueError(
            _("python is empty: give the command of a Python, or leave it out")
        )
    return [_absolute(part) if os.path.exists(part) else part for part in python]


def _split(command: str) -> List[str]:
    # Not POSIX rules on Windows, where the backslash is in every path.
    return [part.strip('"') for part in shlex.split(command, posix=os.name != "nt")]


_instances: "weakref.WeakSet[IsolatedDll]" = weakref.WeakSet()


def _after_fork() -> None:
    for isolated in list(_instances):
        isolated._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
