"""Finding, loading and calling the DLL in this process, and what stays in its memory."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from nationec import DllCrashError, DllLoadError, DllTransport, IsolatedDll

from .conftest import WINDOWS, compiled, compiled_with_need, on_linux, on_posix

ANSWER = (b"http://h/localQrCodeQuery", b"{}")
SETTINGS = (b"http://h/settings", b"{}")


def told(path, reason):
    """What is said of a DLL that is not loaded, for this reason."""
    with pytest.raises(DllLoadError) as caught:
        DllTransport(path)
    found = str(path) if path and os.path.dirname(path) else ""
    assert (caught.value.reason, caught.value.path) == (reason, found)
    return str(caught.value)


class TestFinding:
    def test_a_path_is_text_bytes_or_an_object(self, standin):
        for path in (standin, str(standin), os.fsencode(standin)):
            assert DllTransport(path).path == str(standin)

    def test_beside_the_program_then_on_path(self, standin, monkeypatch, tmp_path):
        folders = [tmp_path / "program", tmp_path / "path"]
        monkeypatch.delenv("NATIONEC_DLL", raising=False)
        monkeypatch.setattr(sys, "executable", str(folders[0] / "his.exe"))
        monkeypatch.setenv("PATH", os.pathsep.join(["relative", "", f'"{folders[1]}"']))
        if WINDOWS:
            windows = os.environ["SYSTEMROOT"]
            folders[1:1] = [Path(windows, "system32"), Path(windows)]
        places = [str(folder / "NationECCode.dll") for folder in folders]
        assert ", ".join(places).lower() in told(None, "not-found").lower()
        for folder, place in ((folders[-1], places[-1]), (folders[0], places[0])):
            folder.mkdir()
            shutil.copy(standin, place)
            assert DllTransport().path == place

    def test_never_in_the_current_directory(self, standin, monkeypatch, tmp_path):
        planted = tmp_path / "NationECCode.dll"
        planted.write_bytes(standin.read_bytes())
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("NATIONEC_DLL", raising=False)
        monkeypatch.setenv("PATH", os.pathsep.join(["", os.curdir]))
        assert "set NATIONEC_DLL" in told(None, "not-found")
        said = told("NationECCode.dll", "not-found")
        assert "the current directory's is never taken" in said
        monkeypatch.setattr(sys, "executable", "")  # as where Python is embedded
        told(None, "not-found")
        assert DllTransport(os.path.join(os.curdir, planted.name)).path == str(planted)


class TestLoadErrors:
    def test_a_given_path_that_is_not_there(self, tmp_path):
        assert "no such file: give dll= the" in told(tmp_path / "NationECCode.dll", "not-found")
        assert "this is a folder" in told(tmp_path, "not-found")

    def test_a_file_that_is_no_library_or_one_for_another_computer(self, tmp_path, standin):
        path = tmp_path / "动态库.dll"
        library = standin.read_bytes()
        cut_off = library[: 600 if WINDOWS else 100]  # dlopen crashes on more
        contents = [b"", b"text\n" * 50, b"MZ", b"MZ".ljust(64, b"\xff"), cut_off]
        if sys.platform == "linux":
            for at in (4, 18):  # the width, the processor
                contents.append(library[:at] + bytes([3 - library[at] & 0xFF]) + library[at + 1 :])
        for content in contents:
            path.write_bytes(content)
            assert "for another processor" in told(path, "not-a-library")

    @on_linux
    def test_a_file_that_cannot_be_read(self):
        # Root cannot read it either.
        assert "Input/output error" in told("/proc/self/mem", "not-a-library")

    @on_posix
    def test_a_library_that_lacks_the_export_or_a_symbol(self, tmp_path):
        for source, reason, said in (
            ("int other(void) { return 1; }", "no-export", "no NationEcTrans"),
            ("extern int it; int *needs(void) { return &it; }", "missing-dependency", "install it"),
        ):
            (tmp_path / f"{reason}.c").write_text(source)
            path = compiled(tmp_path / f"{reason}.c", tmp_path / f"{reason}.so")
            assert said in told(path, reason)

    @on_posix
    def test_a_windows_dll_here(self, tmp_path):
        path = tmp_path / "NationECCode.dll"
        head = b"MZ".ljust(60, b"\0") + b"\x40\0\0\0"  # 64, where the next begins
        system = "macOS" if sys.platform == "darwin" else "Linux"
        for magic, width in ((b"\x0b\1", 32), (b"\x0b\2", 64)):
            path.write_bytes(head + b"PE\0\0" + bytes(20) + magic)
            said = told(path, "wrong-width")
            assert f"is for Windows and this Python is for {system}" in said
            assert f"give python= the command of a {width}-bit Python for Windows" in said


class TestCurrentDirectory:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        folder = tmp_path / "医保 动态库"
        folder.mkdir()
        (folder / "NationEC.ini").touch()
        return folder

    def test_is_the_folder_given_during_each_call_alone(self, standin, folder, monkeypatch):
        shutil.copy(standin, folder.parent / "NationECCode.dll")
        path = os.path.join(os.curdir, "NationECCode.dll")
        transport = DllTransport(path, cwd=folder.name, out_buffer_size=2048)
        assert os.path.isabs(transport.path)
        monkeypatch.chdir(folder.parent.parent)
        before = Path.cwd()
        for _ in range(2):
            assert Path.cwd() == before
            assert transport.exchange(*SETTINGS)[0] == b"0000"
        with pytest.raises(DllCrashError):
            transport.exchange(b"http://h/fill=3000", b"{}")
        with pytest.raises(DllLoadError):
            DllTransport(__file__, cwd=folder)
        assert Path.cwd() == before
        assert DllTransport(standin).exchange(*SETTINGS)[0] == b"-1"

    @on_linux
    def test_is_the_folder_given_while_the_dll_loads(self, folder):
        path = compiled_with_need(folder)
        said = told(path, "missing-dependency")
        assert "libneeded.so" in said
        assert not any(name in said for name in ("libeay32", "Visual C++", "Windows"))
        assert DllTransport(path, cwd=folder).exchange(*ANSWER)[0] == b"0000"

    @on_posix  # Windows keeps it
    def test_may_be_gone_before_the_call_or_after_it(self, standin, folder):
        transport = DllTransport(standin, cwd=folder)
        gone = folder.parent / "gone"
        for remove in (Path.rmdir, lambda gone: threading.Timer(0.2, gone.rmdir).start()):
            gone.mkdir()
            os.chdir(gone)
            remove(gone)
            assert transport.exchange(b"http://h/sleep=400", b"{}")[0] == b"0000"
        os.chdir(folder)
        shutil.rmtree(folder)
        with pytest.raises(DllLoadError, match="no such file"):
            DllTransport("./NationECCode.dll")
        with pytest.raises(DllLoadError, match="current directory cannot be changed") as caught:
            transport.exchange(*ANSWER)
        assert (caught.value.reason, caught.value.path) == ("no-folder", str(folder))


class TestMemory:
    def test_a_url_may_be_longer_than_the_room_of_the_standard(self, standin):
        url = b"http://" + b"h" * 2100 + b"/url"
        assert DllTransport(standin).exchange(url, b"{}") == (b"0000", url)

    def test_a_dll_that_writes_into_the_inputs_has_the_room_of_the_standard(self, standin):
        transport = DllTransport(standin, out_buffer_size=1000)
        assert transport.exchange(b"http://h/inplace", b"{}")[0] == b"0000"


@pytest.mark.parametrize("kind", [DllTransport, IsolatedDll])
class TestRefusals:
    def test_of_a_buffer_of_less_than_a_byte_and_of_a_folder_that_is_none(self, standin, kind):
        sizes, folders = (0, -1, 2048.0), (standin, "no-such-folder")
        for name, wrongs in (("out_buffer_size", sizes), ("cwd", folders)):
            for wrong in wrongs:
                with pytest.raises(ValueError, match=f"{name} must be"):
                    kind(standin, **{name: wrong})
        kind(standin, out_buffer_size=1)

    def test_of_a_nul_and_of_all_after_it_was_closed(self, standin, kind):
        transport = kind(standin)
        for url, in_data in ((b"a\0b", b"{}"), (b"a", b"{\0}")):
            with pytest.raises(ValueError, match="NUL: give a url and a request without one"):
                transport.exchange(url, in_data)
        transport.close()
        transport.close()
        with pytest.raises(ValueError, match="closed"):
            transport.exchange(*ANSWER)
