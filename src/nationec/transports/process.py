"""The interpreter behind ``IsolatedDll``: started, asked, ended."""

# It gets the sources of ``binding`` and ``worker`` as one line of its standard input,
# and needs nothing of nationec on its disk. A thread reads its answers into a queue, so
# a deadline is a wait on that queue; whoever asks writes, and what a pipe does not hold
# is written against a timer. Where no answer comes the process is ended: one that is
# still to come must not go to the next question.

import ctypes
import os
import pkgutil
import signal
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, List, Optional, Tuple

from . import worker

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
_PIPE = 2048  # bytes that any pipe holds
_POLL = 0.2  # seconds between two looks at whether the process is still there


def program(settings: Tuple[Any, ...]) -> bytes:
    """The line that makes an interpreter a worker."""
    package = __name__.rpartition(".")[0]
    sources = []
    for name in ("binding", "worker"):
        source = pkgutil.get_data(package, f"{name}.py") or b""
        sources.append((name, source.decode("utf-8")))
    program = _PROGRAM.format(sources=sources, settings=settings)
    return ascii(program).encode() + b"\n"


class Process:
    """An interpreter that runs ``worker``, and its pipes."""

    def __init__(self, python: List[str]) -> None:
        # -I: no PYTHONPATH, which is for this interpreter, and no current directory.
        # -B: no file is written. -S: what is installed is not needed, and takes time.
        # In /, where Wine reads a path of Linux as one: else the drive may be C:.
        self._popen = subprocess.Popen(
            [*python, "-I", "-B", "-S", "-c", _BOOTSTRAP],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=None if os.name == "nt" else "/",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self.number = self._popen.pid
        self.status = ""
        self.cancelled = False
        # Also when this process ends.
        self._finalizer = weakref.finalize(self, _kill, self._popen)
        self._answers: SimpleQueue[Optional[List[bytes]]] = SimpleQueue()
        reading = self._popen.stdout, self._answers
        threading.Thread(target=_read, args=reading, daemon=True).start()

    def has_ended(self) -> bool:
        gone = self.cancelled or bool(self.status)
        return gone or self._popen.poll() is not None

    def cancel(self) -> None:
        """End the process from another thread or in a signal handler."""
        self.cancelled = True
        _end_group(self._popen)
        self._answers.put(None)

    def let_come_to_front(self) -> None:
        """Windows: allow a window that the DLL opens, to scan in, to take the focus."""
        if sys.platform == "win32":
            ctypes.windll.user32.AllowSetForegroundWindow(self.number)

    def ask(self, question: bytes, timeout: float) -> List[bytes]:
        """The answer to ``question``. Where none comes the process is ended.

        Raises ``queue.Empty`` after ``timeout``, and ``EOFError`` when the process has
        ended.
        """
        until = monotonic() + timeout
        try:
            self._write_by(until, question)
            return self._answer_by(until)
        except OSError:
            self.end(grace=1)
            raise (Empty if monotonic() >= until else EOFError) from None
        except BaseException as error:
            # Also for KeyboardInterrupt.
            self.end(grace=1 if isinstance(error, EOFError) else 0)
            raise

    def _write_by(self, until: float, data: bytes) -> None:
        if len(data) <= _PIPE:
            return worker.write(self._popen.stdin, data)
        # What a pipe cannot hold waits, and a process that was stopped never reads.
        seconds = min(until - monotonic(), threading.TIMEOUT_MAX)
        timer = threading.Timer(seconds, self._popen.kill)
        timer.daemon = True
        timer.start()
        try:
            worker.write(self._popen.stdin, data)
        finally:
            timer.cancel()

    def _answer_by(self, until: float) -> List[bytes]:
        while True:
            # The pipe's end is not enough: Wine's services keep the pipe of the process
            # that started them. After the process's end there is one more look at what
            # it has written.
            ended = self._popen.poll() is not None
            left = max(0, min(until - monotonic(), _POLL))
            with suppress(Empty):
                answer = self._answers.get(timeout=left)
                if answer is None:
                    raise EOFError
                return answer
            if ended:
                raise EOFError
            if monotonic() >= until:
                raise Empty

    def end(self, grace: float = 0) -> None:
        """End the process and all that it started, and note in ``status`` how it ended.

        ``grace`` is in seconds, for one that is ending already.
        """
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(grace)
        self.status = _ending(self._popen.poll())
        self._finalizer()

    def abandon(self) -> None:
        """In a forked child: close its pipes, and leave the parent's process alone."""
        self._finalizer.detach()
        self._popen.returncode = 0
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe:
                pipe.close()


def _read(pipe: Any, answers: "SimpleQueue[Optional[List[bytes]]]") -> None:
    """Put each frame into the queue, and ``None`` at the end."""
    # An interpreter that is none may write anything.
    with pipe, suppress(Exception):
        while True:
            answers.put(worker.read(pipe))
    answers.put(None)


def _ending(code: Optional[int]) -> str:
    if code is None:
        return "it was ended"
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code if code < 256 else hex(code)}"


def _kill(process: "subprocess.Popen[bytes]") -> None:
    _end_group(process)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.stdin:
        process.stdin.close()


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    if sys.platform != "win32":
        # It may not have a group yet.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
