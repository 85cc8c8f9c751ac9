"""The DLL in a process of its own: the same binding, run by execnet in another interpreter, behind pipes.

Nothing of it is on disk or on the network: the binding goes over as source, requests and answers as execnet's own
serialisation (no pickle), all through the standard streams of the other process.
"""

import inspect
import os
import shlex
import signal
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, List, Optional, Sequence, Tuple, Union

from ..errors import OUTCOME_UNKNOWN, DllCrashError, DllLoadError, DllTimeoutError
from . import binding
from .dll import load_error

# What execnet's bootstrap_exec sends, but for who opens the pipes.
_SERVE = """
io = Popen2IO(os.fdopen(pipes[1], "wb"), os.fdopen(pipes[0], "rb"), get_execmodel("thread"))
io.write(b"1")
serve(io, id="nationec-worker")
"""

_UNKNOWN = f"{OUTCOME_UNKNOWN}. The next call starts a new process"


class IsolatedDll:
    """The DLL at ``path``, as the other process sees it, called there.

    It serves a DLL of the other width (``python=r"C:\\Python38-32\\python.exe"``), a Windows DLL on Linux
    (``python=["wine", "C:/Python38-32/python.exe"]``), and any DLL that may hang or crash. ``python`` is the command
    of a CPython 3.8 or later that needs nothing installed, as a list or as a string with its parts quoted as in a
    shell; this interpreter by default.

    ``timeout`` is in seconds, for each call from when it is sent: waiting for another thread's call, and for the
    process to start, is not counted, since nothing has been sent by then. ``None`` waits for ever. ``start_timeout``
    is for the process to start and load the DLL. ``out_buffer_size`` is the room for an answer in bytes.

    The process is started by the first call, or by ``start``. After ``DllTimeoutError`` and ``DllCrashError`` it is
    gone with all that it started (on Linux but for what has made itself a session of its own), and the next call
    starts another. It ends with this process, however that ends. A forked child gets a process of its own.

    Raises ``ValueError``, and without execnet ``ImportError``: ``pip install nationec[isolated]``.
    """

    def __init__(
        self,
        path: Union[str, "os.PathLike[str]"],
        *,
        python: Union[str, Sequence[str], None] = None,
        timeout: Optional[float] = 60.0,
        start_timeout: float = 30.0,
        out_buffer_size: int = 65536,
    ) -> None:
        try:
            import execnet  # noqa: F401
        except ImportError:
            raise ImportError("IsolatedDll needs execnet: pip install nationec[isolated]") from None
        for name, seconds in (("timeout", 1 if timeout is None else timeout), ("start_timeout", start_timeout)):
            if not isinstance(seconds, (int, float)) or not seconds > 0:
                raise ValueError(f"{name} must be a number of seconds, more than 0")
        self.path = os.fsdecode(path)
        if os.path.dirname(self.path) and os.path.exists(self.path):
            self.path = os.path.abspath(self.path)  # the process may start again when the current directory is another
        self.timeout = timeout
        self._python = _command(python)
        self._start_timeout = start_timeout
        self._out_buffer_size = out_buffer_size
        self._closed = False
        self._worker: Optional[_Worker] = None
        self._lock = threading.Lock()
        _instances.add(self)

    def __repr__(self) -> str:
        return f"IsolatedDll({self.path!r}, python={self._python!r}, timeout={self.timeout!r})"

    def __enter__(self) -> "IsolatedDll":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and load the DLL now, which is a good thing to try when a program starts.

        Raises ``DllLoadError``.
        """
        with self._lock:
            self._started()

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """See ``Transport``. Raises ``DllLoadError``, ``DllTimeoutError`` and ``DllCrashError``."""
        with self._lock:
            worker = self._started()
            try:
                kind, *answer = worker.ask((url, in_data), self.timeout)
            except BaseException as error:
                # Also for KeyboardInterrupt: the answer that is still to come must not go to the next request.
                self._worker = None
                late = isinstance(error, Empty)
                status = worker.stop(grace=0 if late else 1)
                if late:
                    text = f"the DLL has not answered within {self.timeout:g} s, and its process was ended. {_UNKNOWN}"
                    raise DllTimeoutError(text) from None
                if isinstance(error, (EOFError, OSError)):
                    raise DllCrashError(f"the DLL ended its process ({status}). {_UNKNOWN}") from None
                raise
            if kind == "crash":
                self._worker = None
                worker.stop()
                text, received = answer
                raise DllCrashError(f"{text}. {_UNKNOWN}", received=received)
        if kind == "value":
            raise ValueError(*answer)
        returned, received = answer
        return returned, received

    def close(self) -> None:
        """End the process, after the call under way if there is one. Nothing can be sent after it."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _started(self) -> "_Worker":
        if self._closed:
            raise ValueError("this transport is closed: make a new one")
        if self._worker is not None and self._worker.process.poll() is not None:
            # It ended between two calls: nothing was under way.
            self._worker.stop()
            self._worker = None
        if self._worker is None:
            self._worker = _Worker(self._python, self.path, self._out_buffer_size, self._start_timeout)
        return self._worker


def _command(python: Union[str, Sequence[str], None]) -> List[str]:
    if python is None:
        if getattr(sys, "frozen", False):  # it would start itself, for ever
            raise ValueError("this program is no Python: give the command of one as python=...")
        return [sys.executable]
    if isinstance(python, str):
        if os.path.exists(python):  # a path with spaces, unquoted
            return [python]
        # Not POSIX rules on Windows, where the backslash is in every path.
        python = [part.strip('"') for part in shlex.split(python, posix=os.name != "nt")]
    if not python:
        raise ValueError("python is empty: give the command of a Python, or leave it out")
    return list(python)


class _Worker:
    """A process with the DLL loaded."""

    def __init__(self, python: List[str], path: str, out_buffer_size: int, start_timeout: float) -> None:
        import execnet
        from execnet import gateway_base
        from execnet.gateway_bootstrap import sendexec
        from execnet.gateway_io import popen_bootstrapline

        # -I: neither PYTHONPATH, which is for this interpreter, nor the current directory. -B: no file is written.
        command = [*python, "-I", "-B", "-u", "-c", popen_bootstrapline]
        where = subprocess.list2cmdline(python)
        until = monotonic() + start_timeout
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise DllLoadError(
                f"{where} does not start ({error.strerror}): give the command of a Python as python=...",
                reason="no-interpreter",
                path=python[0],
            ) from None
        self._gateway: Any = None
        self._answers: SimpleQueue[Any] = SimpleQueue()  # the channel's own, written in Python, takes longer
        self._finalizer = weakref.finalize(self, _end, self.process)  # also when this process ends
        timer = self._kill_after(start_timeout)
        try:
            io: Any = gateway_base.Popen2IO(
                self.process.stdin, self.process.stdout, gateway_base.get_execmodel("thread")
            )
            pipes = inspect.getsource(binding.take_the_pipes) + "pipes = take_the_pipes()"
            sendexec(io, f"exec({pipes!r})", f"exec({inspect.getsource(gateway_base) + _SERVE!r})")
            if io.read(1) != b"1":
                raise EOFError
            self._gateway = execnet.Gateway(io, execnet.XSpec("popen//id=nationec"))
            self._channel = self._gateway.remote_exec(binding)
            self._channel.setcallback(self._answers.put, endmarker=None)
            kind, *answer = self.ask((path, out_buffer_size), max(0, until - monotonic()))
        except BaseException as error:
            status = self.stop()
            if not isinstance(error, (EOFError, OSError, Empty)):
                raise
            late = monotonic() >= until
            what = f"did not start within {start_timeout:g} s" if late else f"ended while it started ({status})"
            raise DllLoadError(
                f"{where} {what}: try it with -V, it must be CPython 3.8 or later",
                reason="no-interpreter",
                path=python[0],
            ) from None
        finally:
            timer.cancel()
        if kind != "loaded":
            self.stop()
            if kind == "value":
                raise ValueError(*answer)
            reason, file, text = answer
            raise load_error(reason, file, f"{text} [{where}]")

    def ask(self, question: Tuple[Any, ...], timeout: Optional[float]) -> Tuple[Any, ...]:
        """Raises ``queue.Empty`` when ``timeout`` is over, ``EOFError`` and ``OSError`` when the process is."""
        until = monotonic() + (float("inf") if timeout is None else timeout)
        # What is longer than a pipe holds waits for a reader, and a process that was stopped reads nothing.
        long = sum([len(part) for part in question if isinstance(part, bytes)]) > 2048
        timer = self._kill_after(timeout) if long and timeout is not None else None
        try:
            self._channel.send(question)
        except OSError:
            if monotonic() >= until:
                raise Empty from None
            raise
        finally:
            if timer is not None:
                timer.cancel()
        ended = False
        while True:
            try:
                answer: Optional[Tuple[Any, ...]] = self._answers.get(timeout=max(0, min(until - monotonic(), 0.2)))
            except Empty:
                # Its pipe may outlive it: Wine's services keep the one of the process that started them.
                if ended:
                    raise EOFError from None
                ended = self.process.poll() is not None
                if not ended and monotonic() >= until:
                    raise
            else:
                if answer is None:
                    raise EOFError
                return answer

    def _kill_after(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self.process.kill)
        timer.daemon = True
        timer.start()
        return timer

    def stop(self, grace: float = 0) -> str:
        """End the process and all that it started; says how it ended. ``grace`` is for one that is ending already."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        code = self.process.poll()
        self._finalizer()
        with suppress(OSError, ValueError):  # closed by execnet, which closes both when it has read all
            self.process.stdin and self.process.stdin.close()
        if self._gateway is None:
            self.process.stdout and self.process.stdout.close()
        else:
            self._gateway.join(1)
            with suppress(Exception):  # what went wrong over there may hold what was sent, and else execnet shows it
                self._channel.waitclose(0)
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return "it was ended" if code is None else f"exit code {code if 0 <= code < 256 else hex(code)}"

    def abandon(self) -> None:
        """In a forked child: let go of the parent's pipes, and leave its process alone."""
        self._finalizer.detach()
        self.process.returncode = 0
        with open(os.devnull, "r+b") as nothing:
            for stream in (self.process.stdin, self.process.stdout):
                with suppress(OSError, ValueError):
                    stream and os.dup2(nothing.fileno(), stream.fileno())


def _end(process: "subprocess.Popen[bytes]") -> None:
    if os.name != "nt":
        with suppress(ProcessLookupError, PermissionError):  # no group, where it has not come to making one
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)


_instances: "weakref.WeakSet[IsolatedDll]" = weakref.WeakSet()


def _after_fork() -> None:
    for isolated in list(_instances):
        worker, isolated._worker = isolated._worker, None
        isolated._lock = threading.Lock()
        if worker is not None:
            worker.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
