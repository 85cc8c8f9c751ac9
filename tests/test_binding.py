"""Finding and loading the DLL, and what stays in its memory."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nationec import Client, DllCrashError, DllLoadError, DllTransport, Simulator
from nationec.transports import binding

from .conftest import compiled

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows makes these of real DLLs")
EXAMPLE_CALL = (b"http://h/localQrCodeQuery", b"{}")


def load_error(path):
    with pytest.raises(DllLoadError) as caught:
        DllTransport(path)
    assert caught.value.exchange is None
    return caught.value


def pe(machine=0x14C, magic=0x10B):
    """The first bytes of a Windows DLL for this machine type."""
    head = b"MZ".ljust(60, b"\0") + (64).to_bytes(4, "little")
    return head + b"PE\0\0" + machine.to_bytes(2, "little") + bytes(18) + magic.to_bytes(2, "little") + bytes(64)


class TestFinding:
    def test_the_path_given_is_made_absolute(self, standin, monkeypatch):
        monkeypatch.chdir(standin.parent)
        transport = DllTransport(os.path.join(os.curdir, standin.name))
        assert os.path.isabs(transport.path)
        assert os.path.samefile(transport.path, standin)

    def test_a_path_object_will_do(self, standin):
        assert DllTransport(standin).path == DllTransport(os.fsencode(standin)).path == str(standin)

    def test_nationec_dll_is_next(self, standin, monkeypatch, query):
        monkeypatch.setenv("NATIONEC_DLL", str(standin))
        with Client("http://h/localQrCodeQuery", "1") as client:
            assert client.call(query).user_name == "张三"

    def test_then_beside_the_program_then_on_path(self, standin, monkeypatch, tmp_path):
        monkeypatch.delenv("NATIONEC_DLL", raising=False)
        program, on_path = tmp_path / "program", tmp_path / "path"
        for folder in (program, on_path):
            folder.mkdir()
            (folder / "NationECCode.dll").write_bytes(standin.read_bytes())
        monkeypatch.setattr(sys, "executable", str(program / "his.exe"))
        monkeypatch.setenv("PATH", os.pathsep.join(["relative", "", str(on_path)]))
        assert DllTransport().path == str(program / "NationECCode.dll")
        (program / "NationECCode.dll").rename(program / "gone") if os.name != "nt" else None
        places = binding.candidates()
        assert places[0] == str(program / "NationECCode.dll")
        assert places[-1] == str(on_path / "NationECCode.dll")
        if os.name != "nt":
            assert DllTransport().path == str(on_path / "NationECCode.dll")

    def test_never_in_the_current_directory(self, standin, monkeypatch, tmp_path):
        planted = tmp_path / "NationECCode.dll"
        planted.write_bytes(standin.read_bytes())
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("NATIONEC_DLL", raising=False)
        monkeypatch.setenv("PATH", os.pathsep.join(["", os.curdir]))
        assert load_error(None).reason == "not-found"
        error = load_error("NationECCode.dll")
        assert error.reason == "not-found"
        assert "NationECCode.dll of the current directory is never taken" in str(error)
        monkeypatch.setattr(sys, "executable", "")  # as where Python is embedded
        assert load_error(None).reason == "not-found"
        assert DllTransport(os.path.join(os.curdir, "NationECCode.dll")).path == str(planted)

    def test_in_the_windows_system_directories(self, mocker, monkeypatch):
        # Only Windows has them: tests/windows looks for real.
        monkeypatch.setenv("PATH", "")
        mocker.patch.object(binding, "system_directories", return_value=[os.path.abspath("system32")])
        assert binding.candidates("x.dll")[1:] == [os.path.join(os.path.abspath("system32"), "x.dll")]


class TestLoadErrors:
    def test_not_found_names_every_place(self, monkeypatch, tmp_path):
        monkeypatch.delenv("NATIONEC_DLL", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        error = load_error(None)
        assert (error.reason, error.path) == ("not-found", "")
        for place in (os.path.dirname(sys.executable), str(tmp_path)):
            assert os.path.join(place, "NationECCode.dll") in str(error)
        assert "NATIONEC_DLL" in str(error)

    def test_a_given_path_that_is_not_there(self, tmp_path):
        error = load_error(tmp_path / "NationECCode.dll")
        assert (error.reason, error.path) == ("not-found", str(tmp_path / "NationECCode.dll"))
        assert "no such file" in str(error)
        assert "folder" in str(load_error(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"MZ", b"MZ".ljust(64, b"\0"), b"text\n" * 50, b"MZ".ljust(64, b"\xff")])
    def test_a_file_that_is_no_library(self, tmp_path, content):
        path = tmp_path / "NationECCode.dll"
        path.write_bytes(content)
        error = load_error(path)
        assert (error.reason, error.path) == ("not-a-library", str(path))
        assert "install the DLL anew" in str(error)

    @on_posix
    def test_a_damaged_library(self, tmp_path, standin):
        path = tmp_path / "cut.so"
        path.write_bytes(standin.read_bytes()[:100])
        assert load_error(path).reason == "not-a-library"

    @pytest.mark.skipif(sys.platform != "linux", reason="a file that nobody can read, root neither")
    def test_a_file_that_cannot_be_read(self):
        error = load_error("/proc/self/mem")
        assert error.reason == "not-a-library"
        assert "cannot be read (Input/output error)" in str(error)

    @pytest.mark.skipif(sys.platform != "linux", reason="the processor is told by the ELF header")
    def test_a_library_for_another_processor(self, tmp_path, standin):
        image = bytearray(standin.read_bytes())
        image[18] = 0xB7 if image[18] != 0xB7 else 0x3E  # ARM64, x86-64
        path = tmp_path / "other.so"
        path.write_bytes(image)
        error = load_error(path)
        assert error.reason == "not-a-library"
        assert "for another processor" in str(error)

    @on_posix
    def test_a_symbol_that_no_library_has(self, tmp_path):
        (tmp_path / "needs.c").write_text("extern int needed; int *needs(void) { return &needed; }")
        error = load_error(compiled(tmp_path / "needs.c", tmp_path / "needs.so"))
        assert error.reason == "missing-dependency"

    @on_posix
    def test_a_windows_dll_here(self, tmp_path):
        path = tmp_path / "NationECCode.dll"
        path.write_bytes(pe())
        error = load_error(path)
        assert error.reason == "wrong-width"
        assert "Windows library" in str(error)
        assert "IsolatedDll" in str(error)

    @on_posix
    def test_the_other_width(self, tmp_path, standin):
        path = tmp_path / "other.so"
        image = bytearray(standin.read_bytes())
        image[4] = 1 if sys.maxsize > 2**32 else 2
        path.write_bytes(image)
        error = load_error(path)
        assert error.reason == "wrong-width"
        assert "this Python is 64-bit, the DLL is 32-bit: use IsolatedDll with a 32-bit Python" in str(error)

    @pytest.mark.skipif(sys.platform == "win32", reason="tests/windows has a real one")
    def test_the_other_width_on_windows(self, mocker, tmp_path):
        mocker.patch.object(binding, "SYSTEM", "Windows")
        path = tmp_path / "NationECCode.dll"
        path.write_bytes(pe(magic=0x10B))
        assert "the DLL is 32-bit" in str(load_error(path))
        path.write_bytes(pe(magic=0x20B))
        assert load_error(path).reason == "not-a-library"  # dlopen's word for it

    @pytest.mark.skipif(sys.platform == "win32", reason="tests/windows has a real one")
    def test_a_missing_dependency(self, tmp_path):
        (tmp_path / "needed.c").write_text("int needed(void) { return 1; }")
        needed = compiled(tmp_path / "needed.c", tmp_path / "libneeded.so")
        (tmp_path / "needs.c").write_text("int needed(void); int needs(void) { return needed(); }")
        path = compiled(tmp_path / "needs.c", tmp_path / "needs.so", needed)
        needed.unlink()
        error = load_error(path)
        assert (error.reason, error.path) == ("missing-dependency", str(path))
        assert "libneeded.so" in str(error)

    @on_posix
    def test_a_missing_export(self, tmp_path):
        (tmp_path / "other.c").write_text("int other(void) { return 1; }")
        path = compiled(tmp_path / "other.c", tmp_path / "other.so")
        error = load_error(path)
        assert (error.reason, error.path) == ("no-export", str(path))
        assert "NationEcTrans, _NationEcTrans@12, NationEcTrans@12" in str(error)

    @pytest.mark.skipif(sys.platform == "win32", reason="tests/windows has real ones")
    @pytest.mark.parametrize("name", ["_NationEcTrans@12", "NationEcTrans@12"])
    def test_decorated_names_are_found(self, mocker, standin, name):
        # No ELF symbol can be called that.
        library = SimpleNamespace(**{name: ctypes.CDLL(str(standin)).NationEcTrans})
        mocker.patch.object(binding, "_open", return_value=library)
        assert DllTransport(standin).exchange(*EXAMPLE_CALL)[0] == b"0000"

    @pytest.mark.skipif(sys.platform == "win32", reason="tests/windows sees it for real")
    def test_windows_loads_by_absolute_path_from_its_own_folder_with_openssl_first(self, mocker, monkeypatch, tmp_path):
        for name in ("NationECCode.dll", "ssleay32.dll", "libeay32.dll"):
            (tmp_path / name).write_bytes(pe(magic=0x20B))
        mocker.patch.object(os, "name", "nt")
        added = mocker.patch.object(os, "add_dll_directory", create=True)
        loaded = mocker.patch.object(ctypes, "WinDLL", create=True)
        loaded.return_value.GetDllDirectoryW.return_value = 0
        binding._open(str(tmp_path / "NationECCode.dll"))
        added.assert_called_once_with(str(tmp_path))
        loaded.return_value.SetDllDirectoryW.assert_called_once_with(str(tmp_path))
        assert [call.args[0] for call in loaded.call_args_list[1:]] == [
            str(tmp_path / name) for name in ("libeay32.dll", "ssleay32.dll", "NationECCode.dll")
        ]

    @pytest.mark.skipif(sys.platform == "win32", reason="tests/windows sees it for real")
    def test_an_access_violation_on_windows_is_a_dll_crash_error(self, mocker, standin, query):
        transport = DllTransport(standin)
        function = mocker.patch.object(transport._binding, "_function")
        function.side_effect = OSError("exception: access violation writing 0x00000000")
        with pytest.raises(DllCrashError, match="access violation.*") as caught:
            Client("http://h", "1", transport=transport).call(query)
        assert isinstance(caught.value, DllCrashError)


class TestMemory:
    def test_a_nul_in_the_url_or_the_request_is_refused(self, standin):
        for call in ((b"a\0b", b"{}"), (b"a", b"{\0}")):
            with pytest.raises(ValueError, match="NUL"):
                DllTransport(standin).exchange(*call)

    @pytest.mark.parametrize("size", [0, -1])
    def test_a_buffer_without_room_is_refused(self, standin, size):
        with pytest.raises(ValueError, match="out_buffer_size"):
            DllTransport(standin, out_buffer_size=size)

    def test_out_data_is_wiped_after_each_call(self, standin):
        transport = DllTransport(standin)
        for mode in (b"http://h/localQrCodeQuery", b"http://h/fill=65536"):
            with contextlib.suppress(DllCrashError):
                transport.exchange(mode, b"{}")
            held = bytes(transport._binding._out)
            assert held.strip(b"\0") == binding.GUARD

    def test_transports_of_one_dll_share_a_lock(self, standin, tmp_path):
        assert DllTransport(standin)._binding._lock is DllTransport(standin)._binding._lock
        assert Simulator()._binding._lock is not Simulator()._binding._lock

    def test_a_closed_transport_says_so(self, standin):
        transport = DllTransport(standin)
        transport.close()
        transport.close()
        with pytest.raises(ValueError, match="closed"):
            transport.exchange(*EXAMPLE_CALL)


def test_the_binding_imports_nothing_but_the_standard_library():
    source = Path(binding.__file__).read_text(encoding="utf-8")
    assert "import nationec" not in source
    assert "from ." not in source
    assert "from nationec" not in source
