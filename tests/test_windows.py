"""What only Windows can show, on real Windows DLLs, which tests/windows builds."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nationec import Client, DllCrashError, DllLoadError, DllTransport
from nationec.transports.binding import WIDTH, candidates

from .conftest import URL

pytestmark = pytest.mark.skipif(
    sys.platform != "win32" or "NATIONEC_TEST_DLLS" not in os.environ,
    reason="needs Windows, and the DLLs that tests/windows builds",
)

DLLS = Path(os.environ.get("NATIONEC_TEST_DLLS", ""))
OTHER = {32: 64, 64: 32}[WIDTH]
STANDIN = f"standin{WIDTH}.dll"


@pytest.fixture(params=["plain", "医保 动态库"])
def place(request, tmp_path):
    """Puts DLLs of the lab into a folder of their own: the path of NationECCode.dll there."""

    def place(name, width=WIDTH):
        source = DLLS.parent / str(width) / name
        folder = tmp_path / request.param
        if source.is_dir():
            shutil.copytree(source, folder)
        else:
            folder.mkdir()
            shutil.copy(source, folder / "NationECCode.dll")
        return folder / "NationECCode.dll"

    return place


def load_error(path):
    with pytest.raises(DllLoadError) as caught:
        DllTransport(path)
    return caught.value


def in_a_new_process(code, *arguments, **options):
    """Loading is once for each process: what must be the first to load runs in one of its own."""
    options["env"] = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        **options,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


LOAD = """
import sys
from nationec import DllLoadError, DllTransport
try:
    transport = DllTransport(sys.argv[1] if sys.argv[1:] else None)
    for name in ("libeay32.dll", "version.dll")[: int(sys.argv[2]) if sys.argv[2:] else 0]:
        transport.exchange(b"http://h/load=" + name.encode().hex().encode(), b"{}")
except DllLoadError as error:
    print(error.reason, error)
"""


@pytest.mark.parametrize("name", [STANDIN, "mingw", "msvc", "cdecl", "openssl"])
def test_every_kind_of_export_is_called(place, query, name):
    with Client(URL + "localQrCodeQuery", "1", dll=place(name)) as client:
        for _ in range(100):  # a stack that the wrong convention unbalances does not last
            assert client.call(query).user_name == "张三"


class TestLoadErrors:
    def test_not_found_names_every_place(self, monkeypatch, tmp_path):
        monkeypatch.delenv("NATIONEC_DLL", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        windows = os.environ["SYSTEMROOT"]
        folders = os.path.dirname(sys.executable), f"{windows}\\system32", windows, str(tmp_path)
        places = [os.path.join(folder, "NationECCode.dll").lower() for folder in folders]
        assert [place.lower() for place in candidates()] == places
        error = load_error(None)
        assert error.reason == "not-found"
        for place in places:
            assert place in str(error).lower()

    def test_not_a_dll(self, place):
        path = place(STANDIN)
        image = path.read_bytes()
        for content in (b"", b"text", image[:200], image[:600]):
            path.write_bytes(content)
            assert load_error(path).reason == "not-a-library"

    def test_the_other_width(self, place):
        error = load_error(place(f"standin{OTHER}.dll", OTHER))
        assert error.reason == "wrong-width"
        assert (
            f"the DLL is {OTHER}-bit and this Python is {WIDTH}-bit: "
            f"give python= the path of a {OTHER}-bit Python"
        ) in str(error)

    def test_a_missing_dependency(self, place):
        told = in_a_new_process(LOAD, place("needs"))
        assert told.startswith("missing-dependency")
        assert "nationec doctor says which one" in told

    def test_a_missing_export(self, place):
        error = load_error(place("noexport"))
        assert error.reason == "no-export"
        assert "this DLL has no NationEcTrans" in str(error)


class TestPlanting:
    """DLLs in the current directory that leave a mark when they are loaded."""

    @pytest.fixture
    def marks(self, tmp_path, monkeypatch):
        planted = tmp_path / "planted"
        planted.mkdir()
        for name in ("NationECCode", "libeay32", "ssleay32", "version"):
            shutil.copy(DLLS / "mark" / "mark.dll", planted / f"{name}.dll")
        monkeypatch.chdir(planted)
        monkeypatch.setenv("NATIONEC_MARK", str(tmp_path / "mark.txt"))
        monkeypatch.delenv("NATIONEC_DLL", raising=False)

        def marks(folder):
            """The names of those that were loaded, all of them from this folder."""
            if not (tmp_path / "mark.txt").exists():
                return []
            lines = (tmp_path / "mark.txt").read_text("utf-8").splitlines()
            assert all(os.path.samefile(os.path.dirname(line), folder) for line in lines)
            return sorted(map(os.path.basename, lines))

        return marks

    def test_the_mark_is_left_when_one_is_loaded(self, marks):
        in_a_new_process("import ctypes, os; ctypes.WinDLL(os.path.abspath('NationECCode.dll'))")
        assert marks(os.curdir) == ["NationECCode.dll"]

    def test_the_dll_is_not_taken_from_the_current_directory(self, marks):
        assert in_a_new_process(LOAD).startswith("not-found")
        assert in_a_new_process(LOAD, "NationECCode.dll").startswith("not-found")
        assert marks(os.curdir) == []

    def test_what_the_dll_imports_comes_from_its_own_folder(self, marks, place):
        path = place("openssl")
        in_a_new_process(LOAD, path, 2)
        assert marks(path.parent) == ["libeay32.dll", "ssleay32.dll"]

    def test_what_the_dll_imports_is_not_taken_from_the_current_directory(self, marks, place):
        path = place("needs")
        assert in_a_new_process(LOAD, path).startswith("missing-dependency")
        assert "libeay32.dll" not in marks(path.parent)

    @pytest.mark.parametrize("own", [[], ["libeay32.dll"]], ids=["nothing", "libeay32"])
    def test_what_it_loads_by_bare_name_comes_from_there_or_not_at_all(self, marks, place, own):
        path = place(STANDIN)
        for name in own:
            shutil.copy(DLLS / "openssl" / name, path.parent)
        in_a_new_process(LOAD, path, 2)
        assert marks(path.parent) == own


def test_an_access_violation_is_a_dll_crash_error_and_the_next_call_works(dll, query):
    for mode in ("crash", "crash=12345"):
        with pytest.raises(DllCrashError, match=r"access violation.*ec\.query") as caught:
            dll(mode).call(query)
        assert caught.value.exchange.received == b"before the crash"
        assert dll().call(query).user_name == "张三"
