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
from .test_binding import SETTINGS

CRASHES = 200 if "NATIONEC_TEST_FULL" in os.environ else 8
PYTHON = ".".join(map(str, sys.version_info[:3]))
SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
HANGS = (b"http://h/sleep=600000", b"{}")
PHOTO = b"x" * 400_000  # more than a pipe holds


@pytest.fixture
def isolated(standin):
    with IsolatedDll(standin, timeout=30, out_buffer_size=len(PHOTO) + 1) as transport:
        yield transport


def placed(dll, folder):
    """A copy of the DLL in a new folder, with the settings that it cannot do without."""
    folder.mkdir()
    (folder / "NationEC.ini").touch()
    return Path(shutil.copy(dll, folder / "NationECCode.dll"))


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


def held():
    """How many handles or file descriptors, and threads, this process has."""
    if not WINDOWS:
        return len(os.listdir("/dev/fd")), threading.active_count()
    count = ctypes.c_ulong()
    this = ctypes.c_void_p(-1)
    ctypes.WinDLL("kernel32").GetProcessHandleCount(this, ctypes.byref(count))
    return count.value, threading.active_count()


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


def start_pid(isolated):
    """Starts its process, and returns the number of that."""
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


def hang(isolated, call=HANGS):
    isolated.timeout = 0.5
    with within(1.5), pytest.raises(DllTimeoutError, match=r"not answered within 0\.5 s"):
        isolated.exchange(*call)
    isolated.timeout = 30


def take_no_more(isolated):
    os.kill(start_pid(isolated), signal.SIGSTOP)
    hang(isolated, (b"http://h/echo", PHOTO))
    os.kill(start_pid(isolated), signal.SIGSTOP)
    threading.Timer(0.3, isolated._process._popen.kill).start()
    crash(isolated, b"echo", "signal SIGKILL", PHOTO)


def crash(isolated, mode=b"crash", how="outcome is unknown", in_data=b"{}"):
    with pytest.raises(DllCrashError, match=how):
        isolated.exchange(b"http://h/" + mode, in_data)


def end_itself(isolated):
    crash(isolated, b"exit")


def interrupt(isolated):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        isolated.exchange(*HANGS)


ENDS = [IsolatedDll.stop, IsolatedDll.cancel, hang, end_itself]
ENDS += [] if WINDOWS else [take_no_more, interrupt]


class TestStartAndStop:
    @pytest.mark.parametrize("end", ENDS)
    def test_what_the_dll_started_ends_too_and_the_next_call_has_another(self, isolated, end):
        pids = [start_pid(isolated), spawned(isolated)]
        end(isolated)
        assert_gone(*pids)
        assert_works(isolated, PHOTO)

    def test_a_process_that_is_ended_between_two_calls_is_replaced(self, isolated):
        isolated.start()
        isolated._process._popen.kill()
        isolated._process._popen.wait(10)
        assert_works(isolated)
        isolated.cancel()
        assert_works(isolated)

    def test_the_end_of_a_with_block_ends_the_process(self, standin):
        with IsolatedDll(standin) as isolated:
            pid = start_pid(isolated)
        assert_gone(pid)

    @on_windows
    def test_before_a_call_it_may_take_the_foreground(self, isolated, mocker):
        allow = mocker.patch.object(ctypes.windll.user32, "AllowSetForegroundWindow")
        pid = start_pid(isolated)
        assert_works(isolated)
        allow.assert_called_once_with(pid)


class TestCancel:
    @pytest.mark.parametrize("timeout", [30, None])
    def test_ends_another_threads_call_and_none_that_waits_for_it(self, standin, timeout):
        with IsolatedDll(standin, timeout=timeout) as isolated, ThreadPoolExecutor(2) as pool:
            pid = start_pid(isolated)
            under_way = pool.submit(isolated.exchange, *HANGS)
            time.sleep(0.3)
            waiting = pool.submit(assert_works, isolated)
            time.sleep(0.2)
            isolated.cancel()
            with pytest.raises(DllCrashError, match="the call was cancelled.*outcome is unknown"):
                under_way.result(5)
            waiting.result(5)
            assert_gone(pid)

    @pytest.mark.parametrize(
        "work", [IsolatedDll.cancel, IsolatedDll.stop, IsolatedDll.close, assert_works]
    )
    def test_in_a_signal_handler_ends_the_interrupted_call(self, isolated, work):
        pid = start_pid(isolated)
        before = signal.signal(signal.SIGINT, lambda *_: work(isolated))
        timer = threading.Timer(0.3, _thread.interrupt_main)
        timer.start()
        try:
            with within(5), pytest.raises(DllCrashError, match="was cancelled"):
                isolated.exchange(*HANGS)
        finally:
            timer.join()
            signal.signal(signal.SIGINT, before)
        assert_gone(pid)
        if work is not IsolatedDll.close:
            assert_works(isolated)

    def test_while_the_process_starts_is_a_load_error(self, standin):
        isolated = IsolatedDll(standin, python=SLEEPS)
        threading.Timer(0.3, isolated.cancel).start()
        with within(5), pytest.raises(DllLoadError, match="start of .* was cancelled") as caught:
            isolated.start()
        assert (caught.value.reason, caught.value.outcome_unknown) == ("cancelled", False)
        assert caught.value.for_operator == "已取消，本次未发送，可重新操作"

    def test_at_any_time_mixes_up_no_answers(self, isolated):
        began = time.monotonic()
        isolated.start()
        pause, stop = 8 * (time.monotonic() - began), threading.Event()

        def cancel():
            order = random.Random(1)
            while not stop.wait(order.random() * pause):
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


class TestSettings:
    def test_the_timeout_is_a_minute_by_default(self):
        shown = "IsolatedDll('x.dll', python=['py'], timeout=60.0)"
        assert repr(IsolatedDll("x.dll", python="py")) == shown

    def test_the_timeout_does_not_count_the_wait_for_another_threads_call(self, standin):
        with IsolatedDll(standin, timeout=1) as isolated:
            isolated.start()
            in_threads(2, lambda number: isolated.exchange(b"http://h/sleep=600", b"{}"))

    def test_the_wait_for_an_answer_costs_no_processor_time(self, isolated):
        isolated.start()
        before = time.process_time()
        isolated.exchange(b"http://h/sleep=1000", b"{}")
        assert time.process_time() - before < 0.3

    def test_that_cannot_be_right_are_refused(self, standin):
        times = 0, -1, float("nan"), "5"
        pythons = "", " ", []
        for name, wrongs in (("timeout", times), ("start_timeout", times), ("python", pythons)):
            for wrong in wrongs:
                with pytest.raises(ValueError, match=f"^{name} (must be a number|is empty)"):
                    IsolatedDll(standin, **{name: wrong})


class TestCrash:
    @on_linux
    def test_may_leave_no_core_file_with_the_patient_in_it(self, isolated):
        import resource

        assert resource.prlimit(start_pid(isolated), resource.RLIMIT_CORE) == (0, 0)

    @on_posix
    def test_is_noticed_when_another_process_keeps_the_pipe(self, standin):
        # As Wine's services do, which the first Windows process starts.
        keeps = ["sh", "-c", 'sleep 4 & exec "$0" "$@"', sys.executable]
        with IsolatedDll(standin, python=keeps) as isolated:
            isolated.start()
            with within(3):
                crash(isolated, b"abort")

    @on_linux
    def test_by_a_signal_without_a_name_or_an_unknown_status(self, isolated):
        nameless = signal.SIGRTMIN + 1
        for number, how in ((nameless, f"signal {nameless}"), (9, "signal SIGKILL")):
            threading.Timer(0.2, os.kill, (start_pid(isolated), number)).start()
            crash(isolated, b"sleep=600000", how)
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            crash(isolated, b"abort", "its exit status is not known")
        finally:
            signal.signal(signal.SIGCHLD, before)

    def test_many_in_a_row_leave_nothing_behind(self, isolated):
        for number in range(CRASHES):
            isolated.start()
            process = isolated._process._popen
            crash(isolated, b"abort")
            # By its handle: Windows gives its number to the next process.
            assert process.poll() is not None
            if number == 2:
                before = held()
        assert held() <= before


PARENT = """
import os, sys, threading, time
from nationec import IsolatedDll

def fork():
    time.sleep(0.3)
    if os.fork() == 0:
        sys.exit()
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)

end, dll, python = sys.argv[1:]
both = [IsolatedDll(dll, python=python) for _ in range(2)]
starts = [threading.Thread(target=isolated.start) for isolated in both]
for start in starts:
    start.start()
if end == "forked":
    fork()
for start, isolated in zip(starts, both):
    start.join()
    print(isolated._process._popen.pid, flush=True)
call = (b"http://h/sleep=600000", b"{}")
threading.Thread(target=both[0].exchange, args=call, daemon=True).start()
time.sleep(0.3)
if end != "return":
    print("ready", flush=True)
    time.sleep(60)
"""


def assert_no_orphan(end, dll, python):
    """Neither a process that waits nor one whose DLL hangs is left when its parent has ended."""
    command = [sys.executable, "-W", "ignore", "-c", PARENT, end, str(dll), python]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as parent:
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        if parent.stdout.readline():
            assert all(map(running, pids))
            parent.kill()
        parent.wait(20)
        assert_gone(*pids, seconds=10)


class TestNoOrphan:
    @pytest.mark.parametrize("end", ["return", "killed", *([] if WINDOWS else ["forked"])])
    def test_the_worker_ends_with_its_parent(self, standin, end):
        slow = f"""sh -c 'sleep 0.6; exec "$0" "$@"' {sys.executable}"""
        assert_no_orphan(end, standin, slow if end == "forked" else sys.executable)

    def test_a_transport_that_nobody_holds_ends_its_process(self, standin):
        isolated = IsolatedDll(standin)
        pid = start_pid(isolated)
        del isolated
        gc.collect()
        assert_gone(pid)


@pytest.mark.parametrize("mode", [b"print", b"close", b"read"])
def test_noise_disturbs_nothing(isolated, mode, capfd):
    for _ in range(3):
        assert isolated.exchange(b"http://h/" + mode, b"{}")[0] == b"0000"
        assert_works(isolated)
    assert capfd.readouterr() == ("", "")


class TestFolder:
    """The process lives in the DLL's folder, where the DLL opens its files by bare name."""

    def test_is_where_path_or_cwd_led_when_they_were_given(self, standin, tmp_path, monkeypatch):
        path = placed(standin, tmp_path / "医保 动态库")
        folder = path.parent
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        relative = IsolatedDll(os.path.join(folder.name, path.name))
        given = IsolatedDll(standin, cwd=folder.name)
        bare = IsolatedDll(path.name)  # which only the other process finds
        monkeypatch.chdir(folder)
        for transport in (relative, given, bare):
            with transport as isolated:
                assert isolated.exchange(*SETTINGS)[0] == b"0000"
        assert (folder / "EcLog.txt").read_bytes() == b"http://h/settings\n" * 3
        with IsolatedDll(path, cwd=standin.parent) as isolated:
            assert isolated.exchange(*SETTINGS)[0] == b"-1"


class TestNobodyElseGetsIn:
    @on_linux
    def test_no_socket_and_no_file(self, isolated, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        assert_works(isolated)
        opened = map(os.readlink, Path(f"/proc/{start_pid(isolated)}/fd").iterdir())
        kinds = {re.sub(r"\d+", "", name) for name in opened if "/libffi" not in name}  # ctypes'
        assert kinds == {"/dev/null", "pipe:[]"}
        assert list(tmp_path.iterdir()) == []

    @on_posix
    def test_any_path_and_any_command_work_from_anywhere(self, standin, tmp_path, monkeypatch):
        folder = tmp_path / 'it\'s "医保" $HOME 动态库'
        folder.mkdir()
        copied = shutil.copy(standin, folder / "NationECCode.dll")
        python = folder / "python 3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        quoted = f'env "{sys.executable}"'
        for command in (str(python), quoted, "./python 3", ["env", "./python 3"]):
            monkeypatch.chdir(folder)
            with IsolatedDll(copied, python=command) as isolated:
                monkeypatch.chdir(tmp_path)
                assert_works(isolated)

    def test_the_modules_of_this_program_are_not_the_others(self, isolated, tmp_path, monkeypatch):
        (tmp_path / "struct.py").write_text("raise SystemExit")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        assert_works(isolated)


class TestLoadErrors:
    def test_come_from_the_other_side_with_its_python_and_width(self, standin, tmp_path):
        told = re.escape(f"(in Python {PYTHON}, {WIDTH}-bit: {sys.executable})")
        gone = tmp_path / "gone"
        gone.mkdir()
        in_gone = IsolatedDll(standin, cwd=gone)
        gone.rmdir()
        for isolated, reason, path in (
            (IsolatedDll(gone / "x.dll"), "not-found", gone / "x.dll"),
            (IsolatedDll(__file__), "not-a-library", __file__),
            (in_gone, "no-folder", gone),
        ):
            before = held()
            with pytest.raises(DllLoadError, match=told) as caught:
                isolated.start()
            assert (caught.value.reason, caught.value.path) == (reason, str(path))
            assert held() == before

    @pytest.mark.parametrize(
        ("python", "told"),
        [
            (["no-such-python"], "no-such-python does not start"),
            ([sys.executable, "-c", "raise SystemExit(9)"], "ended as it started.*exit code 9"),
            (SLEEPS, "did not start within 1 s"),
            ([sys.executable, "-c", "raise SystemExit('Error\\nend')"], r"started.*\(Error\)"),
            ([sys.executable, "-c", "raise SystemExit('no -I\\n')"], r"started.*\(no -I\)"),
        ],
    )
    def test_of_a_python_that_does_not_start(self, standin, python, told):
        limit = 1 if python is SLEEPS else 60
        isolated = IsolatedDll(standin, python=python, start_timeout=limit)
        for _ in "once", "again":
            before = held()
            with within(limit + 4), pytest.raises(DllLoadError, match=told) as caught:
                isolated.start()
            assert held() == before
        assert (caught.value.reason, caught.value.path) == ("no-interpreter", python[0])

    def test_a_packed_program_is_not_started_as_a_python(self, monkeypatch):
        for name, owner, value in (
            ("frozen", vars(sys), True),
            ("executable", vars(sys), None),
            ("__compiled__", vars(nationec.transports.isolated), True),  # Nuitka's
        ):
            with monkeypatch.context() as patch:
                patch.setitem(owner, name, value)
                with pytest.raises(ValueError, match="this program is not a Python interpreter"):
                    IsolatedDll("x.dll")

    def test_without_the_sources_say_to_pack_them(self, standin, tmp_path):
        package = shutil.copytree(Path(nationec.__file__).parent, tmp_path / "nationec")
        compileall.compile_dir(package, quiet=2, legacy=True)
        for source in package.rglob("*.py"):
            source.unlink()
        program = "import sys, nationec; nationec.IsolatedDll(sys.argv[1]).start()"
        command = [sys.executable, "-B", "-c", program, str(standin)]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert re.search("DllLoadError: .* needs the sources of nationec", ran.stderr)

    @on_linux
    def test_a_program_of_pyinstaller_leaves_its_libraries_to_itself(self, standin, monkeypatch):
        monkeypatch.setattr(sys, "_MEIPASS", "/bundle", raising=False)
        monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/of/the/user")
        with IsolatedDll(standin, python=sys.executable) as isolated:
            environ = Path(f"/proc/{start_pid(isolated)}/environ").read_bytes().split(b"\0")
        assert b"LD_LIBRARY_PATH=/of/the/user" in environ


# The other Pythons of the lab, each py32-... or py64-..., as they are started from here.
PATHS = os.environ.get("NATIONEC_TEST_PYTHON32" if WINDOWS else "NATIONEC_TEST_WINE_PYTHONS", "")
OTHERS = {
    Path(path).parent.name: ([path] if WINDOWS else ["wine", path], 64 if "py64" in path else 32)
    for path in filter(None, PATHS.split(os.pathsep))
}


@pytest.mark.skipif(not OTHERS, reason="needs the Windows lab, and there no 32-bit Python")
@pytest.mark.parametrize(("python", "width"), OTHERS.values(), ids=OTHERS)
class TestBehindAnotherWindowsPython:
    """A Windows DLL in a Windows Python of its width: from Linux, and from 64 to 32 bits."""

    @pytest.fixture
    def dll(self, width):
        return DLLS.parent / str(width) / f"standin{width}.dll"

    @pytest.fixture
    def isolated(self, python, dll):
        path = dll if WINDOWS else f"Z:{dll}"
        with IsolatedDll(path, python=python, timeout=30) as transport:
            yield transport

    def test_a_call_a_photo_and_noise(self, isolated, query):
        for mode in ("localQrCodeQuery", "print", "read", "close", "localQrCodeQuery"):
            client = Client(URL + mode, "1", transport=isolated)
            assert client.call(query).user_name == "张三"
        assert_works(isolated, b"x" * 60_000)

    @pytest.mark.parametrize("end", [hang, end_itself, crash])
    def test_a_hang_and_a_crash(self, isolated, end):
        pid = start_pid(isolated)
        end(isolated)
        assert_gone(pid)
        assert_works(isolated)

    def test_load_errors_name_the_other_python_and_its_width(self, width, python, dll):
        other = OTHER_WIDTH[width]
        path = dll.parents[1] / str(other) / f"standin{other}.dll"
        text = f"DLL is {other}-bit and this Python is {width}-bit.*in Python .*, {width}-bit: "
        with pytest.raises(DllLoadError, match=text) as caught:
            IsolatedDll(path, python=python).start()
        assert caught.value.reason == "wrong-width"
        assert os.path.normpath(python[-1]) in str(caught.value)

    def test_it_lives_in_the_dlls_folder_or_in_cwd(self, python, dll, tmp_path, monkeypatch):
        # In C:, the path of Linux leads to nothing: it does in the drive that has all of it.
        place = tmp_path if WINDOWS else Path(os.environ["WINEPREFIX"]) / "drive_c"
        with tempfile.TemporaryDirectory(dir=place) as parent:
            folder = placed(dll, Path(parent) / "医保 动态库").parent
            monkeypatch.chdir(folder)
            for path, cwd in (("./NationECCode.dll", None), (dll, folder)):
                with IsolatedDll(path, python=python, cwd=cwd) as isolated:
                    assert isolated.exchange(*SETTINGS)[0] == b"0000"
            monkeypatch.chdir(tmp_path)

    def test_no_orphan(self, python, dll):
        assert_no_orphan("killed", dll, " ".join(python))


@on_posix
def test_ctrl_c_in_the_parents_terminal_does_not_reach_the_process(isolated):
    pid = start_pid(isolated)
    assert os.getsid(pid) == pid  # a terminal sends it to its own session
