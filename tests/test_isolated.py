"""The DLL in a process of its own: what must hold when it hangs, crashes, makes noise, or loses its parent."""

import gc
import os
import shutil
import signal
import subprocess
import sys
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

from .conftest import URL

WINDOWS = sys.platform == "win32"
CRASHES = 200 if "NATIONEC_TEST_FULL" in os.environ else 20
on_posix = pytest.mark.skipif(WINDOWS, reason="Windows has no such thing")
PYTHON = ".".join(map(str, sys.version_info[:3]))


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
        ctypes.WinDLL("kernel32").GetProcessHandleCount(ctypes.c_void_p(-1), ctypes.byref(count))
        return count.value
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


def assert_gone(pid, within):
    until = time.monotonic() + within
    while running(pid):
        assert time.monotonic() < until, f"process {pid} is still there after {within} s"
        time.sleep(0.02)


def worker(isolated):
    isolated.start()
    return isolated._worker.process.pid


def spawned(isolated):
    """The number of a process that the DLL has started, which sleeps for ten minutes."""
    command = f'"{sys.executable}" -c "import time; time.sleep(600)"'
    _, received = isolated.exchange(b"http://h/spawn=" + command.encode().hex().encode(), b"{}")
    assert running(int(received))
    return int(received)


def test_a_call_answers_as_it_does_in_process(call):
    insured = call()
    assert type(insured) is EcQueryResponse
    assert insured.user_name == "张三"


def test_the_process_is_started_by_the_first_call_or_by_start(standin, query):
    with IsolatedDll(standin) as isolated, Client(URL + "localQrCodeQuery", "1", transport=isolated) as client:
        assert isolated._worker is None
        client.call(query)
        first = worker(isolated)
        client.call(query)
        assert worker(isolated) == first


class TestDeadline:
    def test_a_late_call_raises_within_a_second_and_nothing_is_left(self, standin, query):
        with IsolatedDll(standin, timeout=0.5) as isolated:
            pids = [worker(isolated), spawned(isolated)]
            client = Client(URL + "sleep=600000", "1", transport=isolated)
            started = time.monotonic()
            with pytest.raises(
                DllTimeoutError, match=r"not answered within 0\.5 s.*outcome is unknown.*outBizNo X1"
            ) as caught:
                client.call(QrcodeGetRequest(**query.model_dump(exclude={"device_type"}), out_biz_no="X1"))
            assert time.monotonic() - started < 1.5
            assert caught.value.out_biz_no == "X1"
            for pid in pids:
                assert_gone(pid, within=3)
            assert Client(URL + "localQrCodeQuery", "1", transport=isolated).call(query).user_name == "张三"
            assert worker(isolated) not in pids

    def test_waiting_for_another_threads_call_is_not_counted(self, standin, query):
        with IsolatedDll(standin, timeout=1) as isolated:
            isolated.start()
            client = Client(URL + "sleep=600", "1", transport=isolated)
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(client.call(query))) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(answers) == 4

    @on_posix
    @pytest.mark.parametrize("size", [100, 400_000])
    def test_a_process_that_was_stopped_is_late_too(self, standin, size):
        with IsolatedDll(standin, timeout=0.5, out_buffer_size=500_000) as isolated:
            pid = worker(isolated)
            os.kill(pid, signal.SIGSTOP)
            started = time.monotonic()
            with pytest.raises(DllTimeoutError):  # what is longer than a pipe holds cannot even be sent
                isolated.exchange(b"http://h/echo", b"x" * size)
            assert time.monotonic() - started < 1.5
            assert_gone(pid, within=3)
            assert isolated.exchange(b"http://h/echo", b"x" * size) == (b"0000", b"x" * size)


class TestCrash:
    @pytest.mark.parametrize("mode", ["crash", "overflow", "abort", "exit", "exit=3", "corrupt"])
    def test_is_an_error_and_the_next_call_works(self, call, isolated, mode):
        gone = worker(isolated)
        # Under Wine a stack overflow sometimes hangs a 64-bit process, and the deadline ends it.
        hangs = mode == "overflow" and WINDOWS and sys.maxsize > 2**32
        isolated.timeout = 3 if hangs else 30
        with pytest.raises(
            (DllCrashError, DllTimeoutError) if hangs else DllCrashError, match=r"outcome is unknown.*ec\.query"
        ):
            call(mode)
        assert_gone(gone, within=3)
        assert call().user_name == "张三"

    def test_what_the_dll_started_is_gone_too(self, call, isolated):
        child = spawned(isolated)
        with pytest.raises(DllCrashError):
            call("exit")
        assert_gone(child, within=3)

    def test_writing_past_out_data_ends_the_process(self, standin, query):
        with IsolatedDll(standin, out_buffer_size=2048) as isolated:
            gone = worker(isolated)
            with pytest.raises(DllCrashError, match="2,048 bytes of OutData") as caught:
                Client(URL + "fill=3000", "1", transport=isolated).call(query)
            assert caught.value.exchange.received == b"x" * 3000
            assert_gone(gone, within=3)

    @on_posix
    def test_leaves_no_core_file_with_the_patient_in_it(self, standin, query, tmp_path, monkeypatch):
        import resource

        monkeypatch.chdir(tmp_path)
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
        try:
            with IsolatedDll(standin) as isolated, pytest.raises(DllCrashError):
                Client(URL + "crash", "1", transport=isolated).call(query)
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limits)
        assert list(tmp_path.iterdir()) == []

    @on_posix
    def test_is_noticed_when_another_process_keeps_the_pipe(self, standin, query):
        # As Wine's services do, which the first Windows process starts.
        keeps = ["sh", "-c", 'sleep 4 & exec "$0" "$@"', sys.executable]
        with IsolatedDll(standin, python=keeps) as isolated:
            isolated.start()
            started = time.monotonic()
            with pytest.raises(DllCrashError):
                Client(URL + "abort", "1", transport=isolated).call(query)
            assert time.monotonic() - started < 3

    def test_many_in_a_row_leave_nothing_behind(self, call, isolated):
        def held():
            time.sleep(0.3)
            gc.collect()
            return handles(), threading.active_count()

        for number in range(CRASHES):
            isolated.start()
            process = isolated._worker.process
            with pytest.raises(DllCrashError):
                call("abort")
            assert process.poll() is not None  # by its handle: Windows gives its number to the next process
            if number == 2:
                before = held()
        assert held() <= before


PARENT = """
import sys, threading, time
from nationec import Client, EcQueryRequest, IsolatedDll

dll, mode, end, *python = sys.argv[1:]
isolated = IsolatedDll(dll, python=python[0] if python else None)
isolated.start()
print(isolated._worker.process.pid, flush=True)
query = EcQueryRequest(business_type="01101", operator_id="1", operator_name="n", office_id="1", office_name="f")
if mode == "hang":
    client = Client("http://h/sleep=600000", "1", transport=isolated)
    threading.Thread(target=client.call, args=(query,), daemon=True).start()
    time.sleep(0.3)
if end == "raise":
    raise RuntimeError
if end == "exit":
    sys.exit(3)
if end == "killed":
    print("ready", flush=True)
    time.sleep(600)
"""


class TestNoOrphan:
    @pytest.mark.parametrize("mode", ["idle", "hang"])
    @pytest.mark.parametrize("end", ["return", "raise", "exit", "killed"])
    def test_the_worker_ends_with_its_parent(self, standin, mode, end):
        with subprocess.Popen(
            [sys.executable, "-c", PARENT, str(standin), mode, end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as parent:
            pid = int(parent.stdout.readline())
            if end == "killed":
                parent.stdout.readline()
                assert running(pid)
                parent.kill()
            parent.wait(20)
        assert_gone(pid, within=10)

    def test_a_transport_that_nobody_holds_ends_its_process(self, standin):
        isolated = IsolatedDll(standin)
        pid = worker(isolated)
        del isolated
        gc.collect()
        assert_gone(pid, within=3)


class TestNoise:
    @pytest.mark.parametrize("mode", ["print", "close"])
    def test_disturbs_nothing(self, call, isolated, mode, capfd):
        first = worker(isolated)
        for _ in range(3):
            assert call(mode).user_name == "张三"
            assert call().user_name == "张三"
        assert worker(isolated) == first
        assert capfd.readouterr() == ("", "")

    def test_another_current_directory_disturbs_nothing(self, standin, query, tmp_path, monkeypatch):
        monkeypatch.chdir(standin.parent)
        with IsolatedDll(os.path.join(os.curdir, standin.name)) as isolated:
            elsewhere = str(tmp_path).encode().hex()
            assert Client(URL + f"chdir={elsewhere}", "1", transport=isolated).call(query).user_name == "张三"
            assert Path.cwd() == standin.parent
            monkeypatch.chdir(tmp_path)
            with pytest.raises(DllCrashError):
                Client(URL + "abort", "1", transport=isolated).call(query)
            assert Client(URL + "localQrCodeQuery", "1", transport=isolated).call(query).user_name == "张三"


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
            return found

        before = held(os.getpid())
        call()
        gained = held(os.getpid()) - before
        assert len(gained) == 2
        assert all(name.startswith("pipe:") for name in gained)
        assert held(worker(isolated)) == gained | {"/dev/null"}
        assert list(tmp_path.iterdir()) == []

    @on_posix
    def test_any_path_and_any_command_work_without_a_shell(self, standin, query, tmp_path):
        folder = tmp_path / 'it\'s "医保" $HOME 动态库'
        folder.mkdir()
        copied = shutil.copy(standin, folder / "NationECCode.dll")
        python = folder / "python 3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        for command in (str(python), [str(python)], ["env", str(python)], f'env "{sys.executable}"'):
            with IsolatedDll(copied, python=command) as isolated:
                assert Client(URL + "localQrCodeQuery", "1", transport=isolated).call(query).user_name == "张三"


class TestLoadErrors:
    def test_come_from_the_other_side_with_its_python_and_width(self, tmp_path):
        with IsolatedDll(tmp_path / "NationECCode.dll") as isolated, pytest.raises(DllLoadError) as caught:
            isolated.start()
        assert (caught.value.reason, caught.value.path) == ("not-found", str(tmp_path / "NationECCode.dll"))
        assert f"(in Python {PYTHON}, {64 if sys.maxsize > 2**32 else 32}-bit) [{sys.executable}]" in str(caught.value)

    def test_a_file_that_is_no_library(self, query):
        with IsolatedDll(__file__) as isolated, pytest.raises(DllLoadError) as caught:
            Client(URL, "1", transport=isolated).call(query)
        assert caught.value.reason == "not-a-library"
        assert caught.value.trans_type == "ec.query"

    @pytest.mark.parametrize(
        ("command", "what"),
        [
            (["no-such-python"], "does not start"),
            ([sys.executable, "-c", "raise SystemExit(9)"], "ended while it started"),
            ([sys.executable, "-c", "import time; time.sleep(600)"], "did not start within 1 s"),
            ([sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(600)"], "start"),
        ],
    )
    def test_a_python_that_does_not_start(self, standin, command, what):
        limit = 1 if "600" in command[-1] else 60
        started = time.monotonic()
        with IsolatedDll(standin, python=command, start_timeout=limit) as isolated, pytest.raises(
            DllLoadError
        ) as caught:
            isolated.start()
        assert what in str(caught.value)
        assert caught.value.reason == "no-interpreter"
        assert time.monotonic() - started < limit + 4

    def test_without_execnet_the_error_names_the_extra(self, standin, mocker):
        mocker.patch.dict(sys.modules, {"execnet": None})
        with pytest.raises(ImportError, match=r"nationec\[isolated\]"):
            IsolatedDll(standin)


@pytest.mark.skipif(WINDOWS or "NATIONEC_TEST_WINE_PYTHON" not in os.environ, reason="needs Linux and the Windows lab")
class TestFromLinuxToWindows:
    """The 32-bit Windows DLL, in a 32-bit Windows Python, under Wine."""

    python = ("wine", os.environ.get("NATIONEC_TEST_WINE_PYTHON", ""))
    dlls = "Z:" + os.environ.get("NATIONEC_TEST_DLLS", "")

    @pytest.fixture
    def isolated(self):
        with IsolatedDll(f"{self.dlls}/standin32.dll", python=self.python, timeout=30) as transport:
            yield transport

    def test_a_call(self, call):
        assert call().user_name == "张三"
        assert call().user_name == "张三"

    def test_a_crash(self, call, isolated):
        for mode in ("crash", "exit"):
            gone = worker(isolated)
            with pytest.raises(DllCrashError):
                call(mode)
            assert_gone(gone, within=3)
        assert call().user_name == "张三"

    def test_a_deadline(self, call, isolated):
        gone = worker(isolated)
        isolated.timeout = 0.5
        started = time.monotonic()
        with pytest.raises(DllTimeoutError):
            call("sleep=600000")
        assert time.monotonic() - started < 1.5
        assert_gone(gone, within=3)

    def test_noise(self, call):
        for mode in ("print", "close", "localQrCodeQuery"):
            assert call(mode).user_name == "张三"

    def test_load_errors_name_the_other_python_and_its_width(self):
        isolated = IsolatedDll(f"{self.dlls}/../64/standin64.dll", python=self.python)
        with pytest.raises(DllLoadError, match=r"this Python is 32-bit, the DLL is 64-bit.*in Python .*, 32-bit"):
            isolated.start()

    @pytest.mark.parametrize("mode", ["idle", "hang"])
    def test_no_orphan(self, mode):
        python = f"wine {self.python[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", PARENT, f"{self.dlls}/standin32.dll", mode, "killed", python],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as parent:
            pid = int(parent.stdout.readline())
            parent.stdout.readline()
            assert running(pid)
            parent.kill()
        assert_gone(pid, within=10)


def test_every_threads_answer_belongs_to_its_own_request(isolated):
    wrong = []

    def work(number):
        for n in range(125):
            message = f"{number}-{n}".encode() * (n + 1)
            if isolated.exchange(b"http://h/echo", message) != (b"0000", message):
                wrong.append(message)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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


def test_closing(standin):
    isolated = IsolatedDll(standin)
    isolated.close()
    with IsolatedDll(standin) as isolated:
        pid = worker(isolated)
    assert_gone(pid, within=3)
    isolated.close()
    for use in (isolated.start, lambda: isolated.exchange(b"u", b"{}")):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_closing_waits_for_the_call_under_way(isolated, query):
    client = Client(URL + "sleep=500", "1", transport=isolated)
    isolated.start()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.call(query)))
    thread.start()
    time.sleep(0.1)
    client.close()
    thread.join()
    assert [answer.user_name for answer in answers] == ["张三"]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", None])
def test_a_deadline_that_is_none_is_refused(standin, seconds):
    with pytest.raises(ValueError, match="start_timeout must be a number of seconds"):
        IsolatedDll(standin, start_timeout=seconds)
    if seconds is not None:
        with pytest.raises(ValueError, match="timeout must be a number of seconds"):
            IsolatedDll(standin, timeout=seconds)


def test_waiting_for_ever_is_a_deadline(standin):
    with IsolatedDll(standin, timeout=float("inf"), start_timeout=float("inf")) as isolated:
        assert isolated.exchange(b"http://h/echo", b"x" * 5000) == (b"0000", b"x" * 5000)


@pytest.mark.parametrize("python", ["", " ", []])
def test_a_command_that_is_empty_is_refused(standin, python):
    with pytest.raises(ValueError, match="python is empty"):
        IsolatedDll(standin, python=python)


def test_a_frozen_program_is_not_started_as_a_python(standin, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(ValueError, match="this program is no Python"):
        IsolatedDll(standin)


def test_bad_input_is_refused_and_the_process_lives(isolated, standin):
    first = worker(isolated)
    with pytest.raises(ValueError, match="NUL"):
        isolated.exchange(b"http://h/echo", b"a\0b")
    assert worker(isolated) == first
    with pytest.raises(ValueError, match="out_buffer_size"):
        IsolatedDll(standin, out_buffer_size=0).start()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_process_of_its_own(isolated):
    first = worker(isolated)
    child = os.fork()
    if child == 0:
        try:
            answer = isolated.exchange(b"http://h/echo", b"child")
            os._exit(0 if answer == (b"0000", b"child") and worker(isolated) != first else 1)
        finally:
            os._exit(2)
    assert isolated.exchange(b"http://h/echo", b"parent") == (b"0000", b"parent")
    assert os.waitpid(child, 0)[1] == 0
    assert worker(isolated) == first
    assert isolated.exchange(b"http://h/echo", b"parent") == (b"0000", b"parent")
