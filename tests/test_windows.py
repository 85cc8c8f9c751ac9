"""What only Windows can show, on real Windows DLLs, which tests/windows builds."""

import os
import shutil

import pytest

from nationec import Client, DllLoadError, IsolatedDll

from .conftest import DLLS, OTHER_WIDTH, URL, WIDTH, hexed, needs_dlls, on_windows
from .test_binding import told

pytestmark = [on_windows, needs_dlls]

OTHER = OTHER_WIDTH[WIDTH]
STANDIN = f"standin{WIDTH}.dll"


@pytest.fixture
def place(tmp_path):
    """Puts DLLs of the lab into a folder of their own: the path of NationECCode.dll there."""

    def place(name, width=WIDTH):
        source = DLLS.parent / str(width) / name
        folder = tmp_path / "医保 动态库"
        if source.is_dir():
            shutil.copytree(source, folder)
        else:
            folder.mkdir()
            shutil.copy(source, folder / "NationECCode.dll")
        return folder / "NationECCode.dll"

    return place


def load(dll, *names):
    """Loads the DLL in a new process and this directory; it loads others by their bare names."""
    with IsolatedDll(dll, cwd=os.curdir) as isolated:
        isolated.start()
        for name in names:
            isolated.exchange(b"http://h/load=" + hexed(name).encode(), b"{}")


@pytest.mark.parametrize("name", [STANDIN, "mingw", "msvc", "cdecl", "openssl"])
def test_every_kind_of_export_is_called(place, query, name):
    with Client(URL + "localQrCodeQuery", "1", dll=place(name)) as client:
        for _ in range(100):  # a stack that the wrong convention unbalances does not last
            assert client.call(query).user_name == "张三"


def test_a_dll_of_the_other_width_is_told_with_the_python_that_it_needs(place):
    said = told(place(f"standin{OTHER}.dll", OTHER), "wrong-width")
    assert f"the DLL is {OTHER}-bit and this Python is {WIDTH}-bit" in said
    assert f"give python= the path of a {OTHER}-bit Python" in said


def test_a_missing_export(place):
    assert "this DLL has no NationEcTrans" in told(place("noexport"), "no-export")


class TestPlanting:
    """DLLs in the current directory that leave a mark when they are loaded."""

    @pytest.fixture
    def marks(self, tmp_path, monkeypatch):
        planted = tmp_path / "planted"
        planted.mkdir()
        for name in ("libeay32", "ssleay32", "version"):
            shutil.copy(DLLS / "mark" / "mark.dll", planted / f"{name}.dll")
        monkeypatch.chdir(planted)
        monkeypatch.setenv("NATIONEC_MARK", str(tmp_path / "mark.txt"))

        def marks(folder):
            """The names of those that were loaded, all of them from this folder."""
            if not (tmp_path / "mark.txt").exists():
                return []
            lines = (tmp_path / "mark.txt").read_text("utf-8").splitlines()
            assert all(os.path.samefile(os.path.dirname(line), folder) for line in lines)
            return sorted(map(os.path.basename, lines))

        return marks

    def test_what_the_dll_imports_comes_from_its_own_folder(self, marks, place):
        path = place("openssl")
        load(path, "libeay32.dll", "version.dll")
        assert marks(path.parent) == ["libeay32.dll", "ssleay32.dll"]

    def test_what_the_dll_imports_is_not_taken_from_the_current_directory(self, marks, place):
        path = place("needs")
        with pytest.raises(DllLoadError, match="nationec doctor says which one") as caught:
            load(path)
        assert caught.value.reason == "missing-dependency"
        assert "libeay32.dll" not in marks(path.parent)

    @pytest.mark.parametrize("own", [[], ["libeay32.dll"]], ids=["nothing", "libeay32"])
    def test_what_it_loads_by_bare_name_comes_from_there_or_not_at_all(self, marks, place, own):
        path = place(STANDIN)
        for name in own:
            shutil.copy(DLLS / "openssl" / name, path.parent)
        load(path, "libeay32.dll", "version.dll")
        assert marks(path.parent) == own
