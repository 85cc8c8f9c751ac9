"""The DLL in a process of its own: what holds when it hangs, crashes, or loses its parent."""

import _thread
import compileall
import ctypes
import gc
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import nationec.transports.isolated
from nationec import Client, DllCrashError, DllLoadError, DllTimeoutError, IsolatedDll

from .conftest import (
    DLLS,
    OTHER_WIDTH,
    URL,
    WIDTH,
    WINDOWS,
    hexed,
    in_threads,
    on_linux,
    on_posix,
    on_windows,
)

CRASHES = 200 if "NATIONEC_TEST_FULL" in os.environ else 8
PYTHON = ".".join(map(str, sys.version_info[:3]))
SETTINGS = (b"http://h/settings", b"{}")


@pytest.fixture
def isolated(standin):
    with IsolatedDll(standin, timeout=30) as transport:
        yield transport


@pytest.fixture
def call(isolated, query):
    """Calls the C stand-in in the other process: see standin.c for the modes."""

    def call(mode="localQrCodeQuery"):
        return Client(URL + mode, "1234567", transport=isolated).call(query)

    return call


@pytest.fixture
def place(standin, tmp_path):
    """Puts the stand-in, and the settings that it cannot do without, into a folder of its own."""

    def place(name="医保 动态库"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "NationEC.ini").touch()
        return Path(shutil.copy(standin, folder / "NationECCode.dll"))

    return place


def running(pid):
    """Whether there is a process of this number that has not ended."""
    if WINDOWS:
        kernel32 = ctypes.WinDLL("kernel32")
        handle = kernel32.OpenProcess(0x100000, False, pid)  # SYNCHRONIZE
        ended = not handle or kernel32.WaitForSingleObject(handle, 0) == 0
        kernel32.CloseHandle(handle)
        return not ended
    with suppress(OSError):
        if sys.platform == "linux":
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        os.kill(pid, 0)
        return True
    return False


def handles():
    """How many handles or file descriptors this process has open."""
    if WINDOWS:
        count = ctypes.c_ulong()
        this = ctypes.c_void_p(-1)
        ctypes.WinDLL("kernel32").GetProcessHandleCount(this, ctypes.byref(count))
        return count.value
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


@contextmanager
def within(seconds):
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def assert_gone(*pids, seconds=3):
    until = time.monotonic() + seconds
    while any(map(running, pids)):
        assert time.monotonic() < until, f"one of the processes {pids} is there after {seconds} s"
        time.sleep(0.02)


def worker(isolated):
    """The number of its process, which is started."""
    isolated.start()
    return isolated._process._popen.pid


def spawned(isolated):
    """The number of a process that the DLL has started, which sleeps for ten minutes."""
    command = f'"{sys.executable}" -c "import time; time.sleep(600)"'
    _, received = isolated.exchange(b"http://h/spawn=" + hexed(command).encode(), b"{}")
    assert running(int(received))
    return int(received)


def assert_works(isolated, message=b"{}"):
    assert isolated.exchange(b"http://h/echo", message) == (b"0000", message)


@on_posix
@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_another_cpython_will_do(standin, version):
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"there is no CPython {version}")
    with IsolatedDll(standin, python=str(found[0])) as isolated:
        isolated.exchange(b"http://h/untouched", b"x" * 100_000)
        assert_works(isolated)
        with pytest.raises(DllCrashError):
            isolated.exchange(b"http://h/abort", b"{}")
        assert_works(isolated)


class TestStartAndStop:
    def test_after_stop_the_next_call_starts_another(self, isolated):
        isolated.stop()  # nothing to stop
        pids = [worker(isolated), spawned(isolated)]
        isolated.stop()
        assert_gone(*pids)
        isolated.stop()
        assert_works(isolated)
        assert worker(isolated) not in pids

    def test_a_process_that_somebody_else_ended_between_two_calls_is_replaced(self, isolated):
        isolated.start()
        isolated._process._popen.kill()
        isolated._process._popen.wait(10)
        assert_works(isolated)

    def test_closing(self, standin):
        isolated = IsolatedDll(standin)
        isolated.close()
        with IsolatedDll(standin) as isolated:
            pid = worker(isolated)
        assert_gone(pid)
        isolated.close()
        for use in (isolated.start, lambda: assert_works(isolated)):
            with pytest.raises(ValueError, match="closed"):
                use()

    @on_windows
    def test_before_a_call_it_may_take_the_foreground(self, isolated, mocker):
        allow = mocker.patch.object(ctypes.windll.user32, "AllowSetForegroundWindow")
        pid = worker(isolated)
        assert_works(isolated)
        allow.assert_called_once_with(pid)


@contextmanager
def in_a_call(isolated, answers=None):
    """A call of another thread, which takes ten minutes unless it is ended."""

    def call():
        with pytest.raises(DllCrashError, match="the call was cancelled.*outcome is unknown"):
            isolated.exchange(b"http://h/sleep=600000", b"{}")

    isolated.start()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call)]
        time.sleep(0.3)
        yield pool
        calls[0].result(10)


@contextmanager
def interrupted_by(work):
    """A signal, after a moment, whose handler does ``work``."""
    before = signal.signal(signal.SIGINT, lambda *_: work())
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        with within(5):
            yield
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


class TestCancel:
    @pytest.mark.parametrize("timeout", [30, None])
    def test_ends_another_threads_call_and_the_next_one_works(self, standin, timeout):
        with IsolatedDll(standin, timeout=timeout) as isolated:
            with within(5), in_a_call(isolated):
                gone = isolated._process.number
                isolated.cancel()
                isolated.cancel()
            assert_gone(gone)
            assert_works(isolated)

    @pytest.mark.parametrize("timeout", [30, None])
    @pytest.mark.parametrize("end", [IsolatedDll.cancel, IsolatedDll.stop, IsolatedDll.close])
    def test_in_a_signal_handler_ends_the_call_that_it_interrupts(self, standin, end, timeout):
        isolated = IsolatedDll(standin, timeout=timeout)
        gone = worker(isolated)
        with interrupted_by(lambda: end(isolated)), pytest.raises(DllCrashError, match="cancelled"):
            isolated.exchange(b"http://h/sleep=600000", b"{}")
        assert_gone(gone)
        if end is not IsolatedDll.close:
            assert_works(isolated)
        isolated.close()

    def test_a_call_in_a_signal_handler_ends_the_one_that_it_interrupts(self, isolated):
        isolated.start()
        inner = interrupted_by(lambda: assert_works(isolated, b"inner"))
        with inner, pytest.raises(DllCrashError, match="cancelled"):
            isolated.exchange(b"http://h/sleep=600000", b"outer")
        assert_works(isolated)

    def test_ends_no_call_that_waits_for_the_one_under_way(self, isolated):
        with in_a_call(isolated) as pool:
            waiting = pool.submit(assert_works, isolated, b"second")
            time.sleep(0.2)
            isolated.cancel()
            waiting.result(10)

    def test_without_a_call_ends_the_process_if_there_is_one(self, isolated):
        isolated.cancel()
        gone = worker(isolated)
        isolated.cancel()
        assert_gone(gone)
        assert_works(isolated)

    def test_while_the_process_starts_is_a_load_error(self, standin):
        python = [sys.executable, "-c", "import time; time.sleep(600)"]
        isolated = IsolatedDll(standin, python=python)
        threading.Timer(0.3, isolated.cancel).start()
        with within(5), pytest.raises(DllLoadError, match="start of .* was cancelled") as caught:
            isolated.start()
        assert (caught.value.reason, caught.value.outcome_unknown) == ("cancelled", False)
        assert caught.value.for_operator == "已取消，本次未发送，可重新操作"

    def test_at_any_time_mixes_up_no_answers(self, isolated):
        began = time.monotonic()
        isolated.start()
        often, stop = 8 * (time.monotonic() - began), threading.Event()

        def cancel():
            order = random.Random(1)
            while not stop.wait(order.random() * often):
                isolated.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        cancelled = answered = 0
        while cancelled < 8:
            try:
                assert_works(isolated, b"%d" % answered)
                answered += 1
            except (DllCrashError, DllLoadError) as error:
                assert "was cancelled" in str(error)
                cancelled += 1
        stop.set()
        thread.join()
        assert answered
        assert_works(isolated)


class TestDeadline:
    def test_a_late_call_raises_within_a_second_and_nothing_is_left(self, standin):
        with IsolatedDll(standin, timeout=0.5) as isolated:
            pids = [worker(isolated), spawned(isolated)]
            late = pytest.raises(DllTimeoutError, match=r"not answered within 0\.5 s")
            with within(1.5), late:
                isolated.exchange(b"http://h/sleep=600000", b"{}")
            assert_gone(*pids)
            assert_works(isolated)
            assert worker(isolated) not in pids

    def test_waiting_for_another_threads_call_is_not_counted(self, standin):
        with IsolatedDll(standin, timeout=1) as isolated:
            isolated.start()
            in_threads(2, lambda number: isolated.exchange(b"http://h/sleep=600", b"{}"))

    @on_posix
    @pytest.mark.parametrize("size", [100, 400_000])
    def test_a_process_that_was_stopped_is_late_too(self, standin, size):
        with IsolatedDll(standin, timeout=0.5, out_buffer_size=500_000) as isolated:
            pid = worker(isolated)
            os.kill(pid, signal.SIGSTOP)
            with within(1.5), pytest.raises(DllTimeoutError):
                # More than a pipe holds cannot even be sent.
                isolated.exchange(b"http://h/echo", b"x" * size)
            assert_gone(pid)
            assert_works(isolated, b"x" * size)

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", None])
    def test_one_that_is_none_is_refused(self, standin, seconds):
        with pytest.raises(ValueError, match="start_timeout must be a number of seconds"):
            IsolatedDll(standin, start_timeout=seconds)
        if seconds is not None:
            with pytest.raises(ValueError, match="timeout must be a number of seconds"):
                IsolatedDll(standin, timeout=seconds)

    def test_is_a_minute_by_default(self, standin):
        assert IsolatedDll(standin).timeout == 60
        expected = f"IsolatedDll({str(standin)!r}, python=['py'], timeout=5)"
        assert repr(IsolatedDll(standin, python="py", timeout=5)) == expected


class TestCrash:
    """But for what the table of test_hostile.py shows."""

    @pytest.mark.parametrize("mode", ["overflow", "exit"])
    def test_is_an_error_and_what_the_dll_started_is_gone_too(self, call, isolated, mode):
        gone = [worker(isolated), spawned(isolated)]
        # Under Wine a stack overflow sometimes hangs a 64-bit process, and the deadline ends it.
        hangs = mode == "overflow" and WINDOWS and WIDTH == 64
        isolated.timeout = 3 if hangs else 30
        error = (DllCrashError, DllTimeoutError) if hangs else DllCrashError
        with pytest.raises(error, match=r"outcome is unknown.*ec\.query"):
            call(mode)
        assert_gone(*gone)
        assert call().user_name == "张三"

    @on_linux
    def test_may_leave_no_core_file_with_the_patient_in_it(self, isolated):
        import resource

        assert resource.prlimit(worker(isolated), resource.RLIMIT_CORE) == (0, 0)

    @on_posix
    def test_is_noticed_when_another_process_keeps_the_pipe(self, standin):
        # As Wine's services do, which the first Windows process starts.
        keeps = ["sh", "-c", 'sleep 4 & exec "$0" "$@"', sys.executable]
        with IsolatedDll(standin, python=keeps) as isolated:
            isolated.start()
            with within(3), pytest.raises(DllCrashError):
                isolated.exchange(b"http://h/abort", b"{}")

    @on_linux
    def test_by_a_signal_without_a_name_or_an_unknown_status(self, isolated):
        nameless = signal.SIGRTMIN + 1
        for number, how in ((nameless, f"signal {nameless}"), (9, "signal SIGKILL")):
            pid = worker(isolated)
            threading.Timer(0.2, os.kill, (pid, number)).start()
            with pytest.raises(DllCrashError, match=how):
                isolated.exchange(b"http://h/sleep=600000", b"{}")
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            with pytest.raises(DllCrashError, match="its exit status is not known"):
                isolated.exchange(b"http://h/abort", b"{}")
        finally:
            signal.signal(signal.SIGCHLD, before)
        assert_works(isolated)

    def test_ends_the_process_whatever_is_raised_meanwhile(self, isolated, mocker):
        gone = worker(isolated)
        mocker.patch.object(isolated._process, "_how_it_ended", side_effect=KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            isolated.exchange(b"http://h/exit", b"{}")
        assert_gone(gone)
        assert_works(isolated)

    def test_many_in_a_row_leave_nothing_behind(self, call, isolated):
        def held():
            time.sleep(0.3)
            gc.collect()
            return handles(), threading.active_count()

        for number in range(CRASHES):
            isolated.start()
            process = isolated._process._popen
            with pytest.raises(DllCrashError):
                call("abort")
            # By its handle: Windows gives its number to the next process.
            assert process.poll() is not None
            if number == 2:
                before = held()
        assert held() <= before


PARENT = """
import os, sys, threading, time
from nationec import IsolatedDll

end, dll, *python = sys.argv[1:]
if end == "forked at the start":
    slow = ["sh", "-c", 'sleep 0.6; exec "$0" "$@"', sys.executable]
    isolated = IsolatedDll(dll, python=slow)
    threading.Timer(0, isolated.start).start()
    time.sleep(0.3)
    if os.fork() == 0:
        time.sleep(0.2)
        sys.exit()
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    time.sleep(1)
    isolated.start()
    print(isolated._process.number, isolated._process.number, "ready", sep="\\n", flush=True)
    time.sleep(600)
idle, hanging = [IsolatedDll(dll, python=python[0] if python else None) for _ in range(2)]
for isolated in (idle, hanging):
    isolated.start()
    print(isolated._process._popen.pid, flush=True)
call = (b"http://h/sleep=600000", b"{}")
threading.Thread(target=hanging.exchange, args=call, daemon=True).start()
time.sleep(0.3)
if end == "raise":
    raise RuntimeError
if end == "exit":
    sys.exit(3)
if end == "forked" and os.fork() == 0:
    time.sleep(20)
    os._exit(0)
if end != "return":
    print("ready", flush=True)
    time.sleep(600)
"""


def assert_no_orphan(end, *arguments):
    """Neither a process that waits nor one whose DLL hangs is left when its parent has ended."""
    command = [sys.executable, "-W", "ignore", "-c", PARENT, end, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as parent:
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        if parent.stdout.readline():
            assert all(map(running, pids))
            parent.kill()
        parent.wait(20)
        assert_gone(*pids, seconds=10)


class TestNoOrphan:
    @pytest.mark.parametrize(
        "end",
        [
            *("return", "raise", "exit", "killed"),
            *(pytest.param(end, marks=on_posix) for end in ("forked", "forked at the start")),
        ],
    )
    def test_the_worker_ends_with_its_parent(self, standin, end):
        assert_no_orphan(end, standin)

    def test_a_transport_that_nobody_holds_ends_its_process(self, standin):
        isolated = IsolatedDll(standin)
        pid = worker(isolated)
        del isolated
        gc.collect()
        assert_gone(pid)


@pytest.mark.parametrize("mode", ["print", "close", "read"])
def test_noise_disturbs_nothing(call, isolated, mode, capfd):
    first = worker(isolated)
    for _ in range(3):
        assert call(mode).user_name == "张三"
        assert call().user_name == "张三"
    assert worker(isolated) == first
    assert capfd.readouterr() == ("", "")


class TestFolder:
    """The process lives in the DLL's folder, where the DLL opens its files by bare name."""

    def test_is_the_dlls_where_only_the_other_process_knows_it(self, place, monkeypatch):
        path = place()
        monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
        with IsolatedDll(path.name) as isolated:
            assert isolated.exchange(*SETTINGS)[0] == b"0000"

    def test_is_another_if_one_is_given(self, place, tmp_path, monkeypatch):
        path, other = place("without"), place("医保 设置").parent
        (path.parent / "NationEC.ini").unlink()
        monkeypatch.chdir(tmp_path)
        with IsolatedDll(path, cwd=other.name) as isolated:  # a relative one means what it does now
            monkeypatch.chdir(path.parent)
            assert isolated.exchange(*SETTINGS)[0] == b"0000"
        assert (other / "EcLog.txt").exists()
        with IsolatedDll(path) as isolated:
            assert isolated.exchange(*SETTINGS)[0] == b"-1"

    def test_must_be_one(self, place, tmp_path):
        path, folder = place(), tmp_path / "goes"
        with pytest.raises(ValueError, match="cwd must be a folder"):
            IsolatedDll(path, cwd=folder)
        folder.mkdir()
        with IsolatedDll(path, cwd=folder) as isolated:
            folder.rmdir()
            with pytest.raises(DllLoadError, match="current directory cannot be changed") as caught:
                isolated.start()
            assert (caught.value.reason, caught.value.path) == ("no-folder", str(folder))

    def test_is_where_a_relative_path_led_when_the_object_was_made(
        self, place, tmp_path, monkeypatch
    ):
        path = place()
        monkeypatch.chdir(tmp_path)
        relative = os.path.join(path.parent.name, path.name)
        with IsolatedDll(relative) as isolated, IsolatedDll("gone/x.dll", cwd=path.parent) as gone:
            monkeypatch.chdir(path.parent)
            for _ in range(2):
                assert isolated.exchange(*SETTINGS)[0] == b"0000"
                isolated.stop()
            with pytest.raises(DllLoadError) as caught:
                gone.start()
        assert (path.parent / "EcLog.txt").read_bytes() == b"http://h/settings\n" * 2
        assert Path.cwd() == path.parent
        assert caught.value.path == str(tmp_path / "gone" / "x.dll")


class TestNobodyElseGetsIn:
    @on_linux
    def test_no_socket_and_no_file(self, call, isolated, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TMPDIR", str(tmp_path))

        def held(pid):
            found = set()
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # the folder's own, which reading it opens
                    found.add(os.readlink(entry))
            return {name for name in found if "/libffi" not in name}  # ctypes' own, since 3.14

        before = held(os.getpid())
        call()
        gained = held(os.getpid()) - before
        assert len(gained) == 2
        assert all(name.startswith("pipe:") for name in gained)
        assert held(worker(isolated)) == gained | {"/dev/null"}
        assert list(tmp_path.iterdir()) == []

    @on_posix
    def test_any_path_and_any_command_work_without_a_shell_and_from_anywhere(
        self, standin, tmp_path, monkeypatch
    ):
        folder = tmp_path / 'it\'s "医保" $HOME 动态库'
        folder.mkdir()
        copied = shutil.copy(standin, folder / "NationECCode.dll")
        python = folder / "python 3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        relative = "./python 3", ["env", "./python 3"]
        quoted = f'env "{sys.executable}"'
        for command in (str(python), [str(python)], ["env", str(python)], quoted, *relative):
            monkeypatch.chdir(folder)
            with IsolatedDll(copied, python=command) as isolated:
                monkeypatch.chdir(tmp_path)
                assert_works(isolated)


class TestLoadErrors:
    def test_come_from_the_other_side_with_its_python_and_width(self, tmp_path, query):
        absent = tmp_path / "NationECCode.dll"
        for path, reason in ((absent, "not-found"), (Path(__file__), "not-a-library")):
            with IsolatedDll(path) as isolated, pytest.raises(DllLoadError) as caught:
                Client(URL, "1", transport=isolated).call(query)
            assert (caught.value.reason, caught.value.path) == (reason, str(path))
            assert caught.value.trans_type == "ec.query"
            assert f"(in Python {PYTHON}, {WIDTH}-bit: {sys.executable})" in str(caught.value)

    @pytest.mark.parametrize(
        ("python", "what"),
        [
            (["no-such-python"], "no-such-python does not start"),
            ([sys.executable, "-c", "raise SystemExit(9)"], "ended as it started"),
            ([sys.executable, "-c", "import time; time.sleep(600)"], "did not start within 1 s"),
            ([sys.executable, "-c", "print(8, flush=True); import time; time.sleep(600)"], "start"),
        ],
    )
    def test_a_python_that_does_not_start(self, standin, python, what):
        limit = 1 if "600" in python[-1] else 60
        isolated = IsolatedDll(standin, python=python, start_timeout=limit)
        with within(limit + 4), pytest.raises(DllLoadError, match=what) as caught:
            isolated.start()
        assert (caught.value.reason, caught.value.path) == ("no-interpreter", python[0])
        assert python[0] in str(caught.value)

    @on_posix
    def test_say_what_the_other_python_said(self, standin):
        python = ["sh", "-c", "echo Fatal; echo 'Error: no module' >&2; echo end >&2; exit 3"]
        with pytest.raises(DllLoadError, match=r"ended as it started.*\(Error: no module\)"):
            IsolatedDll(standin, python=python).start()

    def test_leave_nothing_behind(self, standin):
        wait = [sys.executable, "-c", "import time; time.sleep(600)"]
        pythons = [[sys.executable, "-c", "raise SystemExit(9)"], ["no-such-python"], wait]
        transports = [IsolatedDll(standin, python=it, start_timeout=0.5) for it in pythons]
        transports.append(IsolatedDll(__file__))
        before = handles(), threading.active_count()
        for isolated in transports:
            with pytest.raises(DllLoadError):
                isolated.start()
        assert (handles(), threading.active_count()) == before

    def test_a_packed_program_is_not_started_as_a_python(self, standin, monkeypatch):
        for name, owner, value in (
            ("frozen", vars(sys), True),
            ("executable", vars(sys), None),
            ("__compiled__", vars(nationec.transports.isolated), True),  # Nuitka's
        ):
            with monkeypatch.context() as patch:
                patch.setitem(owner, name, value)
                with pytest.raises(ValueError, match="this program is no Python"):
                    IsolatedDll(standin)
        with IsolatedDll(standin, python=sys.executable) as isolated:
            assert_works(isolated)

    def test_without_the_sources_say_to_pack_them(self, standin, tmp_path):
        package = shutil.copytree(Path(nationec.__file__).parent, tmp_path / "nationec")
        compileall.compile_dir(package, quiet=2, legacy=True)
        for source in package.rglob("*.py"):
            source.unlink()
        program = """if True:
            import sys
            from nationec import DllTransport, IsolatedDll
            print(DllTransport(sys.argv[1]).exchange(b"http://h/echo", b"{}"))
            IsolatedDll(sys.argv[1]).start()
        """
        command = [sys.executable, "-B", "-c", program, str(standin)]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert ran.stdout == "(b'0000', b'{}')\n"
        assert re.search("DllLoadError: .* needs the sources of nationec", ran.stderr)

    @on_linux
    def test_a_program_of_pyinstaller_leaves_its_libraries_to_itself(self, standin, monkeypatch):
        monkeypatch.setattr(sys, "_MEIPASS", "/bundle", raising=False)
        monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
        for original in ("", "/of/the/user"):
            monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", original)
            with IsolatedDll(standin, python=sys.executable) as isolated:
                environ = Path(f"/proc/{worker(isolated)}/environ").read_bytes().split(b"\0")
            assert b"LD_LIBRARY_PATH=" + original.encode() in environ

    def test_bad_input_is_refused_and_the_process_lives(self, isolated, standin):
        first = worker(isolated)
        with pytest.raises(ValueError, match="NUL"):
            isolated.exchange(b"http://h/echo", b"a\0b")
        assert worker(isolated) == first
        for python in ("", " ", []):
            with pytest.raises(ValueError, match="python is empty"):
                IsolatedDll(standin, python=python)


# The other Pythons of the lab, each py32-... or py64-..., as they are started from here.
if WINDOWS:
    NAMES = ("NATIONEC_TEST_PYTHON32",)
    OTHERS = [[os.environ[name]] for name in NAMES if name in os.environ]
else:
    PATHS = os.environ.get("NATIONEC_TEST_WINE_PYTHONS", "")
    OTHERS = [["wine", path] for path in filter(None, PATHS.split(os.pathsep))]


@pytest.mark.skipif(not OTHERS, reason="needs the Windows lab, and there no 32-bit Python")
@pytest.mark.parametrize("python", OTHERS, ids=[Path(it[-1]).parent.name for it in OTHERS])
class TestBehindAnotherWindowsPython:
    """A Windows DLL in a Windows Python of its width: from Linux, and from 64 to 32 bits."""

    @pytest.fixture
    def width(self, python):
        return 64 if Path(python[-1]).parent.name.startswith("py64") else 32

    @pytest.fixture
    def dll(self, width):
        return DLLS.parent / str(width) / f"standin{width}.dll"

    @pytest.fixture
    def isolated(self, python, dll):
        path = dll if WINDOWS else f"Z:{dll}"
        with IsolatedDll(path, python=python, timeout=30) as transport:
            yield transport

    def test_a_call_a_photo_and_noise(self, call, isolated):
        for mode in ("localQrCodeQuery", "print", "read", "close", "localQrCodeQuery"):
            assert call(mode).user_name == "张三"
        assert_works(isolated, b"x" * 60_000)

    @pytest.mark.parametrize("mode", ["crash", "exit", "abort"])
    def test_a_crash(self, call, isolated, mode):
        gone = worker(isolated)
        with pytest.raises(DllCrashError):
            call(mode)
        assert_gone(gone)
        assert call().user_name == "张三"

    def test_a_deadline(self, call, isolated):
        gone = worker(isolated)
        isolated.timeout = 0.5
        with within(1.5), pytest.raises(DllTimeoutError):
            call("sleep=600000")
        assert_gone(gone)

    def test_load_errors_name_the_other_python_and_its_width(self, width, python, dll):
        other = OTHER_WIDTH[width]
        path = dll.parents[1] / str(other) / f"standin{other}.dll"
        text = f"DLL is {other}-bit and this Python is {width}-bit.*in Python .*, {width}-bit: "
        isolated = IsolatedDll(path, python=python)
        with pytest.raises(DllLoadError, match=text) as caught:
            isolated.start()
        assert caught.value.reason == "wrong-width"
        assert os.path.normpath(python[-1]) in str(caught.value)

    @pytest.mark.parametrize("drive", ["of the machine", pytest.param("C:", marks=on_posix)])
    def test_the_process_lives_in_the_dlls_folder_or_in_cwd(
        self, python, dll, tmp_path, monkeypatch, drive
    ):
        place = Path(os.environ["WINEPREFIX"]) / "drive_c" if drive == "C:" else tmp_path
        with tempfile.TemporaryDirectory(dir=place) as parent:
            folder = Path(parent) / "医保 动态库"
            folder.mkdir()
            (folder / "NationEC.ini").touch()
            shutil.copy(dll, folder / "NationECCode.dll")
            monkeypatch.chdir(folder)
            for path, cwd in (("./NationECCode.dll", None), (dll, folder)):
                with IsolatedDll(path, python=python, cwd=cwd) as isolated:
                    assert isolated.exchange(*SETTINGS)[0] == b"0000"
            monkeypatch.chdir(tmp_path)

    def test_no_orphan(self, python, dll):
        assert_no_orphan("killed", dll, " ".join(python))


def test_every_threads_answer_belongs_to_its_own_request(isolated):
    def work(number):
        for n in range(125):
            assert_works(isolated, f"{number}-{n}".encode() * (n + 1))

    in_threads(16, work)


@on_posix
def test_after_an_interrupted_call_an_answer_still_belongs_to_its_request(isolated):
    isolated.start()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        isolated.exchange(b"http://h/sleep=1000", b"first")
    timer.join()
    assert_works(isolated, b"second")


@on_posix
def test_ctrl_c_in_the_parents_terminal_does_not_reach_the_process(isolated):
    pid = worker(isolated)
    assert os.getsid(pid) == pid  # a terminal sends it to its own session
