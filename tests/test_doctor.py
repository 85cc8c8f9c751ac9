"""``nationec doctor``, on real libraries and real sockets."""

import os
import re
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .conftest import DLLS, OTHER_WIDTH, WIDTH, WINDOWS, needs_dlls, on_linux, on_windows

needs_pefile = pytest.mark.skipif(find_spec("pefile") is None, reason="the extra doctor")
WINDRES = shutil.which("i686-w64-mingw32-windres")


@pytest.fixture
def doctor(nationec):
    """Runs it: by check, the status and text of its line."""

    def doctor(*arguments):
        code, out, _ = nationec("doctor", *arguments)
        lines = [line.split(None, 2) for line in out.splitlines()]
        assert code == any(status == "failed" for status, *_ in lines)
        return {check: f"{status} {text}" for status, check, text in lines}

    return doctor


@pytest.fixture
def own(standin, tmp_path):
    """The stand-in in a folder of its own."""
    return Path(shutil.copy(standin, tmp_path / standin.name))


def test_all_is_well(doctor, own):
    report = doctor("--dll", own)
    for check in set(report) - {"imports", "session"}:
        assert report[check].startswith("ok ")
    assert report["DLL"] == f"ok {own}"
    assert report.get("width") == (f"ok {WIDTH}-bit, for Windows" if WINDOWS else None)
    assert report["loads"] == f"ok in {sys.executable}"
    assert report["folder"] == "ok can be written to"
    assert [*own.parent.iterdir()] == [own]
    assert report["log"] == "ok no dlllog(Nation) yet: the DLL writes it"
    assert f"{WIDTH}-bit, {sys.executable}" in report["Python"]
    assert ("Windows" in report["system"]) == WINDOWS
    log = own.parent / "dlllog(Nation)"
    log.mkdir()
    assert doctor("--dll", own)["log"] == f"ok {log}"


def test_lines_are_in_the_readers_language(own, nationec, monkeypatch):
    monkeypatch.setenv("NATIONEC_LANG", "zh")
    lines = nationec("doctor", "--dll", own)[1].splitlines()
    assert all(line.startswith(("正常 ", "注意 ")) for line in lines)
    assert any(line.startswith("正常     目录     可写") for line in lines)


def test_another_python_which_may_see_another_dll_has_the_deadline_of_call(doctor, tmp_path):
    slow = f'"{sys.executable}" -c "import time; time.sleep(60)"'
    report = doctor("--dll", tmp_path / "no.dll", "--python", slow, "--timeout", "0.5")
    assert report["DLL"].startswith("warning ")
    assert re.match("failed .*did not start within 0.5 s", report["loads"])


def test_no_dll(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    report = doctor()
    searched = re.escape(str(tmp_path / "NationECCode.dll"))
    assert re.match(f"failed .*--dll.*{searched}", report["DLL"])
    assert "loads" not in report


@on_linux
def test_a_folder_that_cannot_be_written_to(doctor, own):
    with own.open() as file:
        folder = f"/proc/{os.getpid()}/fd"  # where root cannot either
        report = doctor("--dll", f"{folder}/{file.fileno()}")
    assert re.match(f"warning .*{folder}", report["folder"])


def test_an_address_that_accepts_a_connection(doctor, own):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        report = doctor("--dll", own, "--url", f"http://127.0.0.1:{port}/localcfc")
    assert report["url"] == f"ok 127.0.0.1 port {port} accepts a connection"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/x", "127.0.0.1 port 1 does not accept a connection: "),
        ("http://a..b/x", "a..b port 80 does not accept"),
        ("https://a..b/x", "a..b port 443 does not accept"),
        ("10.0.0.8:8081", "no address: give it as http://HOST:PORT/PATH"),
        ("http://h:port", "no address: "),
        ("ftp://127.0.0.1:1/x", "no address: "),
    ],
)
def test_an_address_that_refuses_or_is_invalid(doctor, own, url, said):
    assert doctor("--dll", own, "--url", url)["url"].startswith(f"failed {said}")


@on_windows
def test_whether_a_window_of_the_dll_can_be_seen(doctor, own):
    report = doctor("--dll", own)
    assert re.match(r"ok [1-9]\d*$|warning 0, ", report["session"])
    assert re.match("ok (not )?elevated", report["user"])


@needs_dlls
class TestTables:
    """Of a Windows DLL, on any system."""

    def dll(self, name):
        return DLLS / name / "NationECCode.dll" if name else DLLS / f"standin{DLLS.name}.dll"

    @needs_pefile
    def test_a_missing_import_is_named(self, doctor):
        text = doctor("--dll", self.dll("openssl"))["imports"]
        assert (text.startswith("ok "), "libeay32.dll" in text) == (WINDOWS, False)
        report = doctor("--dll", self.dll("needs"))
        text = report["imports"]
        assert text.startswith("failed " if WINDOWS else "warning ")
        assert "libeay32.dll" in text
        assert ("not found: put" in text, "kernel32.dll" in text) == (WINDOWS, not WINDOWS)
        assert "version" not in report  # it has none

    @needs_pefile
    def test_a_damaged_dll(self, doctor, tmp_path):
        path = tmp_path / "NationECCode.dll"
        path.write_bytes(self.dll("").read_bytes()[:600])
        text = doctor("--dll", path)["imports"]
        assert text.startswith("failed the DLL cannot be read as a library")
        needs = shutil.copy(self.dll("needs"), tmp_path / "needs.dll")
        path = path.rename(tmp_path / "libeay32.dll")
        assert f"({path}: " in doctor("--dll", needs)["imports"]

    def test_without_pefile_the_rest_is_still_looked_at(self, doctor, mocker):
        mocker.patch.dict(sys.modules, {"pefile": None})
        report = doctor("--dll", self.dll(""))
        text = "warning version and imports not looked at: pip install nationec[doctor]"
        assert report["imports"] == text
        assert {"width", "loads"} <= set(report)

    def test_the_other_width(self, doctor):
        other = OTHER_WIDTH[int(DLLS.name)]
        report = doctor("--dll", DLLS.parent / str(other) / f"standin{other}.dll")
        assert report["width"] == f"ok {other}-bit, for Windows"
        assert re.match(f"failed (?=.*--python).*{other}-bit", report["loads"])


@needs_pefile
@pytest.mark.skipif(WINDRES is None, reason="no MinGW here")
def test_the_version_of_a_windows_dll(doctor, tmp_path):
    (tmp_path / "version.rc").write_text("1 VERSIONINFO FILEVERSION 1,2,30,4\nBEGIN\nEND\n")
    subprocess.run([WINDRES, "version.rc", "version.o"], cwd=tmp_path, check=True)
    link = [WINDRES.replace("windres", "ld"), "-shared", "-o", "versioned.dll", "version.o"]
    subprocess.run(link, cwd=tmp_path, check=True)
    assert doctor("--dll", tmp_path / "versioned.dll")["version"] == "ok 1.2.30.4"
