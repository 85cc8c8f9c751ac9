"""The DLL in a process of its own: what holds when it hangs, crashes, or loses its parent."""

import base64
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from nationec import (
    Client,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    EcQueryResponse,
    IsolatedDll,
    QrcodeGetRequest,
)

from .conftest import (
    URL,
    WIDTH,
    WINDOW,
    WINDOWS,
    compiled_with_need,
    hexed,
    in_threads,
    on_linux,
    on_posix,
)

CRASHES = 200 if "NATIONEC_TEST_FULL" in os.environ else 20
PYTHON = ".".join(map(str, sys.version_info[:3]))
SETTINGS = (b"http://h/settings", b"{}")
ECHO = (b"http://h/echo", b"{}")


@pytest.fixture
def isolated(standin):
    with IsolatedDll(standin, timeout=30) as transport:
        yield transport


@pytest.fixture
def call(isolated, query):
    """Calls the C stand-in in the other process: see standin.c for the modes."""

    def call(mode="localQrCodeQuery", request=query):
        return Client(URL + mode, "1234567", transport=isolated).call(request)

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
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32")
        handle = kernel32.OpenProcess(0x100000, False, pid)  # SYNCHRONIZE
        ended = not handle or kernel32.WaitForSingleObject(handle, 0) == 0
        kernel32.CloseHandle(handle)
        return not ended
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            return stat.read_text().rpartition(")")[2].split()[0] != "Z"
        os.kill(pid, 0)
        return sys.platform != "linux"
    return False


def handles():
    """How many handles or file descriptors this process has open."""
    if WINDOWS:
        import ctypes

        count = ctypes.c_ulong()
        this = ctypes.c_void_p(-1)
        ctypes.WinDLL("kernel32").GetProcessHandleCount(this, ctypes.byref(count))
        return count.value
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


def assert_gone(pid, within=3):
    until = time.monotonic() + within
    while running(pid):
        assert time.monotonic() < until, f"process {pid} is still there after {within} s"
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


def test_a_call_answers_as_it_does_in_process(call):
    insured = call()
    assert type(insured) is EcQueryResponse
    assert insured.user_name == "张三"


def test_it_needs_nothing_but_the_standard_library(standin):
    with IsolatedDll(standin, python=[sys.executable, "-S"]) as isolated:  # without site-packages
        assert isolated.exchange(*ECHO) == (b"0000", b"{}")


@on_posix
@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_another_cpython_will_do(standin, version):
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"there is no CPython {version}")
    with IsolatedDll(standin, python=str(found[0])) as isolated:
        message = b"x" * 100_000
        isolated.exchange(b"http://h/untouched", message)
        assert isolated.exchange(*ECHO) == (b"0000", b"{}")
        with pytest.raises(DllCrashError):
            isolated.exchange(b"http://h/abort", message)
        assert isolated.exchange(*ECHO) == (b"0000", b"{}")


class TestStartAndStop:
    def test_the_process_is_started_by_the_first_call_or_by_start(self, standin):
        with IsolatedDll(standin) as isolated:
            assert isolated._process is None
            isolated.exchange(*ECHO)
            first = worker(isolated)
            isolated.exchange(*ECHO)
            assert worker(isolated) == first

    def test_after_stop_the_next_call_starts_another(self, isolated):
        isolated.stop()  # nothing to stop
        pids = [worker(isolated), spawned(isolated)]
        isolated.stop()
        for pid in pids:
            assert_gone(pid)
        isolated.stop()
        assert isolated.exchange(*ECHO) == (b"0000", b"{}")
        assert worker(isolated) not in pids

    def test_a_process_that_somebody_else_ended_between_two_calls_is_replaced(self, isolated):
        isolated.start()
        isolated._process._popen.kill()
        isolated._process._popen.wait(10)
        assert isolated.exchange(*ECHO) == (b"0000", b"{}")

    def test_closing(self, standin):
        isolated = IsolatedDll(standin)
        isolated.close()
        with IsolatedDll(standin) as isolated:
            pid = worker(isolated)
        assert_gone(pid)
        isolated.close()
        for use in (isolated.start, lambda: isolated.exchange(*ECHO)):
            with pytest.raises(ValueError, match="closed"):
                use()

    @pytest.mark.parametrize("end", ["stop", "close"])
    def test_both_wait_for_the_call_under_way(self, isolated, end):
        isolated.start()
        answers = []

        def work():
            answers.append(isolated.exchange(b"http://h/sleep=500", b"{}"))

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.1)
        getattr(isolated, end)()
        thread.join()
        assert [returned for returned, _ in answers] == [b"0000"]

    @pytest.mark.skipif(not WINDOWS, reason="elsewhere nobody takes the focus")
    def test_before_a_call_it_may_take_the_foreground(self, isolated, mocker):
        import ctypes

        allow = mocker.patch.object(ctypes.windll.user32, "AllowSetForegroundWindow")
        pid = worker(isolated)
        isolated.exchange(*ECHO)
        allow.assert_called_once_with(pid)


class TestDeadline:
    def test_a_late_call_raises_within_a_second_and_nothing_is_left(self, standin):
        with IsolatedDll(standin, timeout=0.5) as isolated:
            pids = [worker(isolated), spawned(isolated)]
            client = Client(URL + "sleep=600000", "1", transport=isolated)
            request = QrcodeGetRequest(**WINDOW, out_biz_no="X1")
            late = r"not answered within 0\.5 s.*outcome is unknown.*outBizNo X1"
            started = time.monotonic()
            with pytest.raises(DllTimeoutError, match=late) as caught:
                client.call(request)
            assert time.monotonic() - started < 1.5
            assert caught.value.out_biz_no == "X1"
            for pid in pids:
                assert_gone(pid)
            assert isolated.exchange(*ECHO) == (b"0000", b"{}")
            assert worker(isolated) not in pids

    def test_waiting_for_another_threads_call_is_not_counted(self, standin):
        with IsolatedDll(standin, timeout=1) as isolated:
            isolated.start()
            answers = []

            def work(number):
                answers.append(isolated.exchange(b"http://h/sleep=600", b"{}"))

            in_threads(4, work)
            assert len(answers) == 4

    @on_posix
    @pytest.mark.parametrize("size", [100, 400_000])
    def test_a_process_that_was_stopped_is_late_too(self, standin, size):
        with IsolatedDll(standin, timeout=0.5, out_buffer_size=500_000) as isolated:
            pid = worker(isolated)
            os.kill(pid, signal.SIGSTOP)
            started = time.monotonic()
            with pytest.raises(DllTimeoutError):  # more than a pipe holds cannot even be sent
                isolated.exchange(b"http://h/echo", b"x" * size)
            assert time.monotonic() - started < 1.5
            assert_gone(pid)
            assert isolated.exchange(b"http://h/echo", b"x" * size) == (b"0000", b"x" * size)

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", None])
    def test_one_that_is_none_is_refused(self, standin, seconds):
        with pytest.raises(ValueError, match="start_timeout must be a number of seconds"):
            IsolatedDll(standin, start_timeout=seconds)
        if seconds is not None:
            with pytest.raises(ValueError, match="timeout must be a number of seconds"):
                IsolatedDll(standin, timeout=seconds)

    def test_is_a_minute_unless_told(self, standin):
        assert IsolatedDll(standin).timeout == 60

    @pytest.mark.parametrize("seconds", [None, float("inf")])
    def test_waiting_for_ever_is_one(self, standin, seconds):
        forever = float("inf")
        with IsolatedDll(standin, timeout=seconds, start_timeout=forever) as isolated:
            assert isolated.exchange(b"http://h/echo", b"x" * 5000) == (b"0000", b"x" * 5000)


class TestCrash:
    @pytest.mark.parametrize("mode", ["crash", "overflow", "abort", "exit", "exit=3", "corrupt"])
    def test_is_an_error_and_the_next_call_works(self, call, isolated, mode):
        gone = worker(isolated)
        # Under Wine a stack overflow sometimes hangs a 64-bit process, and the deadline ends it.
        hangs = mode == "overflow" and WINDOWS and WIDTH == 64
        isolated.timeout = 3 if hangs else 30
        error = (DllCrashError, DllTimeoutError) if hangs else DllCrashError
        with pytest.raises(error, match=r"outcome is unknown.*ec\.query"):
            call(mode)
        assert_gone(gone)
        assert call().user_name == "张三"

    def test_what_the_dll_started_is_gone_too(self, call, isolated):
        child = spawned(isolated)
        with pytest.raises(DllCrashError):
            call("exit")
        assert_gone(child)

    def test_writing_past_out_data_ends_the_process(self, standin, query):
        with IsolatedDll(standin, out_buffer_size=2048) as isolated:
            gone = worker(isolated)
            with pytest.raises(DllCrashError, match="2,048 bytes of OutData") as caught:
                Client(URL + "fill=3000", "1", transport=isolated).call(query)
            assert caught.value.exchange.received == b"x" * 3000
            assert_gone(gone)

    @on_posix
    def test_leaves_no_core_file_with_the_patient_in_it(self, place, tmp_path, monkeypatch):
        import resource

        monkeypatch.chdir(tmp_path)
        path = place("dll")
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
        try:
            with IsolatedDll(path) as isolated, pytest.raises(DllCrashError):
                isolated.exchange(b"http://h/crash", b"{}")
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limits)
        assert list(tmp_path.iterdir()) == [path.parent]
        assert {entry.name for entry in path.parent.iterdir()} == {path.name, "NationEC.ini"}

    @on_posix
    def test_is_noticed_when_another_process_keeps_the_pipe(self, standin):
        # As Wine's services do, which the first Windows process starts.
        keeps = ["sh", "-c", 'sleep 4 & exec "$0" "$@"', sys.executable]
        with IsolatedDll(standin, python=keeps) as isolated:
            isolated.start()
            started = time.monotonic()
            with pytest.raises(DllCrashError):
                isolated.exchange(b"http://h/abort", b"{}")
            assert time.monotonic() - started < 3

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

dll, mode, end, *python = sys.argv[1:]
isolated = IsolatedDll(dll, python=python[0] if python else None)
isolated.start()
print(isolated._process._popen.pid, flush=True)
if mode == "hang":
    call = threading.Thread(target=isolated.exchange, args=(b"http://h/sleep=600000", b"{}"))
    call.daemon = True
    call.start()
    time.sleep(0.3)
if mode == "forked":
    child = os.fork()
    if child == 0:
        time.sleep(20)
        os._exit(0)
if end == "raise":
    raise RuntimeError
if end == "exit":
    sys.exit(3)
if end == "killed":
    print("ready", flush=True)
    time.sleep(600)
"""


def assert_no_orphan(within, *arguments):
    command = [sys.executable, "-W", "ignore", "-c", PARENT, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as parent:
        pid = int(parent.stdout.readline())
        if "killed" in arguments:
            parent.stdout.readline()
            assert running(pid)
            parent.kill()
        parent.wait(20)
        assert_gone(pid, within)


class TestNoOrphan:
    @pytest.mark.parametrize("mode", ["idle", "hang"])
    @pytest.mark.parametrize("end", ["return", "raise", "exit", "killed"])
    def test_the_worker_ends_with_its_parent(self, standin, mode, end):
        assert_no_orphan(10, standin, mode, end)

    @on_posix
    def test_a_child_that_the_parent_forked_keeps_none(self, standin):
        assert_no_orphan(10, standin, "forked", "killed")

    def test_a_transport_that_nobody_holds_ends_its_process(self, standin):
        isolated = IsolatedDll(standin)
        pid = worker(isolated)
        del isolated
        gc.collect()
        assert_gone(pid)


class TestNoise:
    @pytest.mark.parametrize("mode", ["print", "close", "read"])
    def test_disturbs_nothing(self, call, isolated, mode, capfd):
        first = worker(isolated)
        for _ in range(3):
            assert call(mode).user_name == "张三"
            assert call().user_name == "张三"
        assert worker(isolated) == first
        assert capfd.readouterr() == ("", "")

    def test_another_current_directory_disturbs_nothing(self, call, standin, tmp_path):
        before = Path.cwd()
        assert call(f"chdir={hexed(os.fsencode(tmp_path))}").user_name == "张三"
        assert Path.cwd() == before
        assert call().user_name == "张三"


class TestFolder:
    """The process lives in the DLL's folder, where the DLL opens its files by bare name."""

    def test_is_the_dlls(self, place, monkeypatch, tmp_path):
        path, before = place(), Path.cwd()
        with IsolatedDll(path) as isolated:
            assert isolated.exchange(*SETTINGS)[0] == b"0000"
        assert (path.parent / "EcLog.txt").read_bytes() == b"http://h/settings\n"
        assert Path.cwd() == before

    def test_is_the_dlls_too_where_only_the_other_process_knows_it(self, place, monkeypatch):
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
        path = place()
        for cwd in (path, tmp_path / "gone"):
            with pytest.raises(ValueError, match="cwd must be a folder"):
                IsolatedDll(path, cwd=cwd)
        (tmp_path / "goes").mkdir()
        with IsolatedDll(path, cwd=tmp_path / "goes") as isolated:
            (tmp_path / "goes").rmdir()
            with pytest.raises(ValueError, match="cwd must be a folder"):
                isolated.start()

    def test_a_relative_path_means_what_it_meant_where_the_object_was_made(
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
        assert caught.value.path == str(tmp_path / "gone" / "x.dll")

    @on_posix
    def test_so_does_a_relative_python(self, place, tmp_path, monkeypatch):
        python = tmp_path / "my python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        path = place()
        monkeypatch.chdir(tmp_path)
        for command in ("./my python", ["env", "./my python"]):
            with IsolatedDll(path, python=command) as isolated:
                monkeypatch.chdir(path.parent)
                assert isolated.exchange(*SETTINGS)[0] == b"0000"
            monkeypatch.chdir(tmp_path)

    @on_linux
    def test_finds_what_was_linked_with_a_relative_path(self, tmp_path):
        path = compiled_with_need(tmp_path)
        with IsolatedDll(path) as isolated:
            assert isolated.exchange(*ECHO) == (b"0000", b"{}")

    def test_gets_what_the_real_dll_writes(self, place, query):
        path = place()
        with IsolatedDll(path) as isolated:
            client = Client(URL + "traces", "1234567", transport=isolated)
            assert [client.call(query).user_name for _ in range(2)] == ["张三"] * 2
        settings = (path.parent / "NationEcCode.ini").read_text("ascii")
        assert settings == f"[Updater]\norgId=1234567\nurl={URL[:-1]}\n"
        (log,) = (path.parent / "dlllog(Nation)").iterdir()
        assert re.fullmatch(r"Nationlog20\d{6}\.txt", log.name)
        lines = [base64.b64decode(line) for line in log.read_bytes().splitlines()]
        assert len(lines) == 2
        assert lines[0] == lines[1] != b""


class TestNobodyElseGetsIn:
    @pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds open")
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
    def test_any_path_and_any_command_work_without_a_shell(self, standin, tmp_path):
        folder = tmp_path / 'it\'s "医保" $HOME 动态库'
        folder.mkdir()
        copied = shutil.copy(standin, folder / "NationECCode.dll")
        python = folder / "python 3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        quoted = f'env "{sys.executable}"'
        for command in (str(python), [str(python)], ["env", str(python)], quoted):
            with IsolatedDll(copied, python=command) as isolated:
                assert isolated.exchange(*ECHO) == (b"0000", b"{}")


class TestLoadErrors:
    def test_come_from_the_other_side_with_its_python_and_width(self, tmp_path):
        path = tmp_path / "NationECCode.dll"
        with IsolatedDll(path) as isolated, pytest.raises(DllLoadError) as caught:
            isolated.start()
        assert (caught.value.reason, caught.value.path) == ("not-found", str(path))
        assert f"(in Python {PYTHON}, {WIDTH}-bit: {sys.executable})" in str(caught.value)

    def test_a_file_that_is_no_library(self, query):
        with IsolatedDll(__file__) as isolated, pytest.raises(DllLoadError) as caught:
            Client(URL, "1", transport=isolated).call(query)
        assert caught.value.reason == "not-a-library"
        assert caught.value.trans_type == "ec.query"

    @pytest.mark.parametrize(
        ("code", "what"),
        [
            ("raise SystemExit(9)", "ended as it started"),
            ("import time; time.sleep(600)", "did not start within 1 s"),
            ("print('hello', flush=True); import time; time.sleep(600)", "start"),
        ],
    )
    def test_a_python_that_does_not_start(self, standin, code, what):
        limit = 1 if "600" in code else 60
        command = [sys.executable, "-c", code]
        started = time.monotonic()
        isolated = IsolatedDll(standin, python=command, start_timeout=limit)
        with pytest.raises(DllLoadError, match=what) as caught:
            isolated.start()
        assert caught.value.reason == "no-interpreter"
        assert sys.executable in str(caught.value)
        assert time.monotonic() - started < limit + 4

    def test_a_python_that_is_not_there(self, standin):
        isolated = IsolatedDll(standin, python="no-such-python")
        with pytest.raises(DllLoadError, match="no-such-python does not start") as caught:
            isolated.start()
        assert (caught.value.reason, caught.value.path) == ("no-interpreter", "no-such-python")

    @pytest.mark.parametrize("python", ["", " ", []])
    def test_a_command_that_is_empty_is_refused(self, standin, python):
        with pytest.raises(ValueError, match="python is empty"):
            IsolatedDll(standin, python=python)

    def test_a_frozen_program_is_not_started_as_a_python(self, standin, monkeypatch):
        monkeypatch.setattr(sys, "frozen", True, raising=False)
        with pytest.raises(ValueError, match="this program is no Python"):
            IsolatedDll(standin)
        with IsolatedDll(standin, python=sys.executable) as isolated:
            assert isolated.exchange(*ECHO) == (b"0000", b"{}")

    def test_bad_input_is_refused_and_the_process_lives(self, isolated, standin):
        first = worker(isolated)
        with pytest.raises(ValueError, match="NUL"):
            isolated.exchange(b"http://h/echo", b"a\0b")
        assert worker(isolated) == first
        with pytest.raises(ValueError, match="out_buffer_size"):
            IsolatedDll(standin, out_buffer_size=0)


# The other Pythons of the lab, each py32-... or py64-..., as they are started from here.
if WINDOWS:
    NAMES = ("NATIONEC_TEST_PYTHON32", "NATIONEC_TEST_PYTHON32_314")
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
        return Path(os.environ["NATIONEC_TEST_DLLS"]).parent / str(width) / f"standin{width}.dll"

    @pytest.fixture
    def path(self, dll):
        return str(dll) if WINDOWS else f"Z:{dll}"

    @pytest.fixture
    def isolated(self, python, path):
        with IsolatedDll(path, python=python, timeout=30) as transport:
            yield transport

    def test_a_call(self, call):
        assert call().user_name == "张三"
        assert call().user_name == "张三"

    def test_a_photo(self, isolated):
        message = b"x" * 60_000
        assert isolated.exchange(b"http://h/echo", message) == (b"0000", message)

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
        started = time.monotonic()
        with pytest.raises(DllTimeoutError):
            call("sleep=600000")
        assert time.monotonic() - started < 1.5
        assert_gone(gone)

    def test_noise(self, call):
        for mode in ("print", "read", "close", "localQrCodeQuery"):
            assert call(mode).user_name == "张三"

    def test_load_errors_name_the_other_python_and_its_width(self, width, python, dll):
        other = {32: 64, 64: 32}[width]
        path = dll.parents[1] / str(other) / f"standin{other}.dll"
        text = f"DLL is {other}-bit and this Python is {width}-bit.*in Python .*, {width}-bit: "
        isolated = IsolatedDll(path, python=python)
        with pytest.raises(DllLoadError, match=text) as caught:
            isolated.start()
        assert caught.value.reason == "wrong-width"
        assert os.path.normpath(python[-1]) in str(caught.value)

    def test_the_process_lives_in_the_dlls_folder(self, python, dll, tmp_path, monkeypatch):
        self.lives_in_the_dlls_folder(python, dll, tmp_path, monkeypatch)

    @on_posix
    def test_also_on_the_drive_of_windows(self, python, dll, tmp_path, monkeypatch):
        drive = Path(os.environ["WINEPREFIX"]) / "drive_c"
        with tempfile.TemporaryDirectory(dir=drive) as folder:
            self.lives_in_the_dlls_folder(python, dll, Path(folder), monkeypatch)
            monkeypatch.chdir(tmp_path)

    def lives_in_the_dlls_folder(self, python, dll, parent, monkeypatch):
        folder, other = parent / "医保 动态库", parent / "设置"
        folder.mkdir()
        other.mkdir()
        (folder / "NationEC.ini").touch()
        shutil.copy(dll, folder / "NationECCode.dll")
        monkeypatch.chdir(folder)
        with IsolatedDll("./NationECCode.dll", python=python) as isolated:
            assert isolated.exchange(*SETTINGS)[0] == b"0000"
        (folder / "NationEC.ini").rename(other / "NationEC.ini")
        with IsolatedDll("./NationECCode.dll", python=python, cwd=other) as isolated:
            assert isolated.exchange(*SETTINGS)[0] == b"0000"
        assert (other / "EcLog.txt").exists()

    @pytest.mark.parametrize("mode", ["idle", "hang"])
    def test_no_orphan(self, python, path, mode):
        assert_no_orphan(10, path, mode, "killed", " ".join(python))


def test_every_threads_answer_belongs_to_its_own_request(isolated):
    wrong = []

    def work(number):
        for n in range(125):
            message = f"{number}-{n}".encode() * (n + 1)
            if isolated.exchange(b"http://h/echo", message) != (b"0000", message):
                wrong.append(message)

    in_threads(16, work)
    assert wrong == []


@on_posix
def test_after_an_interrupted_call_an_answer_still_belongs_to_its_request(isolated):
    isolated.start()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        isolated.exchange(b"http://h/sleep=1000", b"first")
    timer.join()
    assert isolated.exchange(b"http://h/echo", b"second") == (b"0000", b"second")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_process_of_its_own(isolated):
    first = worker(isolated)
    child = os.fork()
    if child == 0:
        try:
            answer = isolated.exchange(b"http://h/echo", b"child")
            others = worker(isolated) != first
            isolated.close()
            os._exit(0 if answer == (b"0000", b"child") and others else 1)
        finally:
            os._exit(2)
    assert isolated.exchange(b"http://h/echo", b"parent") == (b"0000", b"parent")
    assert os.waitpid(child, 0)[1] == 0
    assert worker(isolated) == first
    assert isolated.exchange(b"http://h/echo", b"parent") == (b"0000", b"parent")
