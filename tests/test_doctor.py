"""``nationec doctor``, on real libraries and real sockets."""

import json
import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from nationec.commands import main
from nationec.transports.binding import WIDTH

from .conftest import WINDOWS

DLLS = Path(os.environ.get("NATIONEC_TEST_DLLS", ""))
needs_lab = pytest.mark.skipif(
    "NATIONEC_TEST_DLLS" not in os.environ, reason="the Windows lab is not set up"
)
needs_pefile = pytest.mark.skipif(find_spec("pefile") is None, reason="the extra doctor")
WINDRES = shutil.which("i686-w64-mingw32-windres")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("URL", "DLL", "PYTHON", "TIMEOUT"):
        monkeypatch.delenv(f"NATIONEC_{name}", raising=False)


@pytest.fixture
def doctor(capsys):
    """Runs it: the exit code, and the lines of the report as (check, status, text)."""

    def run(*arguments):
        code = main(["doctor", "--json", *map(str, arguments)])
        lines = json.loads(capsys.readouterr().out)
        return code, [(line["check"], line["status"], line["text"]) for line in lines]

    return run


@pytest.fixture
def own(standin, tmp_path):
    """The stand-in in a folder of its own."""
    return Path(shutil.copy(standin, tmp_path / standin.name))


def only(lines, check):
    return [(status, text) for name, status, text in lines if name == check]


def test_all_is_well(doctor, own):
    code, lines = doctor("--dll", own)
    assert code == 0
    statuses = {status for check, status, _ in lines if check not in ("imports", "session")}
    assert statuses == {"ok"}
    assert only(lines, "DLL") == [("ok", str(own))]
    assert only(lines, "width") == ([("ok", f"{WIDTH}-bit, for Windows")] if WINDOWS else [])
    assert only(lines, "loads") == [("ok", f"in {sys.executable}")]
    assert only(lines, "folder") == [("ok", "can be written to")]
    ((_, text),) = only(lines, "Python")
    assert f"{WIDTH}-bit, {sys.executable}" in text
    ((_, text),) = only(lines, "system")
    assert ("Windows" in text) == WINDOWS
    assert "Wine" not in str(lines)


def test_lines_are_for_people_without_json(own, capsys):
    assert main(["doctor", "--dll", str(own)]) == 0
    assert f"ok       DLL      {own}\n" in capsys.readouterr().out


def test_lines_are_in_the_readers_language(own, capsys, monkeypatch):
    monkeypatch.setenv("NATIONEC_LANG", "zh")
    assert main(["doctor", "--dll", str(own)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("正常 ", "注意 ")) for line in lines)
    assert any(line.startswith("正常     目录     可写") for line in lines)


def test_the_variables_of_call_are_read(doctor, own, monkeypatch):
    monkeypatch.setenv("NATIONEC_DLL", str(own))
    monkeypatch.setenv("NATIONEC_URL", "nowhere")
    code, lines = doctor()
    assert (code, only(lines, "url")[0][0]) == (1, "failed")
    assert only(lines, "DLL") == [("ok", str(own))]
    monkeypatch.setenv("NATIONEC_PYTHON", "no-such-python")
    _, lines = doctor()
    assert "no-such-python" in only(lines, "loads")[0][1]
    monkeypatch.setenv("NATIONEC_TIMEOUT", "soon")
    assert main(["doctor"]) == 2


def test_no_dll(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, lines = doctor()
    ((status, text),) = only(lines, "DLL")
    assert (code, status) == (1, "failed")
    assert str(tmp_path / "NationECCode.dll") in text
    assert text.index("--dll") < text.index(str(tmp_path))
    assert only(lines, "loads") == []


def test_a_file_that_is_no_library(doctor):
    code, lines = doctor("--dll", __file__)
    ((status, text),) = only(lines, "loads")
    assert (code, status) == (1, "failed")
    assert text.startswith("the DLL cannot be read as a library")


class TestFolder:
    @pytest.mark.skipif(WINDOWS or os.geteuid() == 0, reason="an administrator may write anywhere")
    def test_that_cannot_be_written_to(self, doctor, own):
        own.parent.chmod(0o555)
        code, lines = doctor("--dll", own)
        own.parent.chmod(0o755)
        ((status, text),) = only(lines, "folder")
        assert (code, status, str(own.parent) in text) == (0, "warning", True)

    def test_that_cannot_be_written_to_for_root_too(self, doctor, own, mocker):
        mocker.patch("tempfile.TemporaryFile", side_effect=PermissionError)
        code, lines = doctor("--dll", own)
        ((status, text),) = only(lines, "folder")
        assert (code, status, str(own.parent) in text) == (0, "warning", True)

    def test_what_the_dll_has_left_in_it(self, doctor, own):
        _, lines = doctor("--dll", own)
        assert only(lines, "settings") == [("ok", "no NationEcCode.ini yet: the DLL writes it")]
        assert only(lines, "log") == [("ok", "no dlllog(Nation) yet: the DLL writes it")]
        url = "http://10.0.0.8:8081/localcfc/api/hsecfc"
        call = ["call", "x", "--json", "-", "--org-id", "7654321", "--url", f"{url}/traces"]
        command = [sys.executable, "-m", "nationec", *call, "--dll", str(own)]
        assert subprocess.run(command, input=b"{}", capture_output=True).returncode == 0
        _, lines = doctor("--dll", own)
        text = f"NationEcCode.ini: orgId=7654321, url={url}"
        assert only(lines, "settings") == [("ok", text)]
        assert only(lines, "log") == [("ok", str(own.parent / "dlllog(Nation)"))]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
    def test_its_settings_may_be_in_either_encoding(self, doctor, own, encoding):
        ini = "; 设置\r\n[Updater]\r\nother\r\nOrgId=1\r\nURL=http://平台/a%2F\r\n"
        (own.parent / "NationEcCode.ini").write_bytes(ini.encode(encoding))
        _, lines = doctor("--dll", own)
        text = "NationEcCode.ini: orgId=1, url=http://平台/a%2F"
        assert only(lines, "settings") == [("ok", text)]

    @pytest.mark.parametrize("ini", [b"\x00\x81\xff", b"orgId=1", b""])
    def test_its_settings_may_be_damaged(self, doctor, own, ini):
        (own.parent / "NationEcCode.ini").write_bytes(ini)
        code, lines = doctor("--dll", own)
        assert code == 0
        assert only(lines, "settings")


class TestUrl:
    def test_that_accepts_a_connection(self, doctor, own):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            host, port = server.getsockname()
            code, lines = doctor("--dll", own, "--url", f"http://{host}:{port}/localcfc")
        said = f"127.0.0.1 port {port} accepts a connection"
        assert (code, only(lines, "url")) == (0, [("ok", said)])

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("http://127.0.0.1:{port}/", "127.0.0.1 port {port} does not accept a connection: "),
            ("10.0.0.8:8081", "http://HOST:PORT/PATH"),
            ("http://", "http://HOST:PORT/PATH"),
            ("http://h:port", "http://HOST:PORT/PATH"),
            ("ftp://h/", "http://HOST:PORT/PATH"),
            ("http://a..b/localcfc", "a..b port 80 does not accept"),
            (f"http://{'x' * 64}/localcfc", "port 80 does not accept"),
        ],
    )
    def test_that_does_not_or_is_none(self, doctor, own, url, said):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
        code, lines = doctor("--dll", own, "--url", url.format(port=port))
        ((status, text),) = only(lines, "url")
        assert (code, status) == (1, "failed")
        assert said.format(port=port) in text


class TestTheOtherPython:
    def test_that_loads_the_dll(self, doctor, own):
        code, lines = doctor("--dll", own, "--python", sys.executable)
        assert (code, only(lines, "loads")) == (0, [("ok", f"in {sys.executable}")])

    def test_that_does_not_start(self, doctor, own):
        code, lines = doctor("--dll", own, "--python", "no-such-python")
        ((status, text),) = only(lines, "loads")
        assert (code, status) == (1, "failed")
        assert "no-such-python does not start" in text

    def test_that_may_see_another_dll(self, doctor, tmp_path):
        dll = tmp_path / "no.dll"
        code, lines = doctor("--dll", dll, "--python", sys.executable)
        assert (code, only(lines, "DLL")[0][0]) == (1, "warning")
        assert only(lines, "loads")[0][0] == "failed"


@pytest.mark.skipif(not WINDOWS, reason="Windows only")
def test_whether_a_window_of_the_dll_can_be_seen(doctor, own):
    _, lines = doctor("--dll", own)
    ((status, text),) = only(lines, "session")
    assert (status == "warning") == text.startswith("0,")
    ((status, text),) = only(lines, "user")
    assert (status, "elevated" in text) == ("ok", True)


@needs_lab
class TestTables:
    """Of a Windows DLL, on any system."""

    def dll(self, name):
        return DLLS / name / "NationECCode.dll" if name else DLLS / f"standin{DLLS.name}.dll"

    @needs_pefile
    def test_exports_and_imports(self, doctor):
        code, lines = doctor("--dll", self.dll("openssl"))
        assert code == (0 if WINDOWS else 1)
        assert only(lines, "exports") == [("ok", "NationEcTrans")]
        assert only(lines, "version") == []  # it has none
        imports = only(lines, "imports")
        assert ("ok", "beside the DLL: libeay32.dll, ssleay32.dll") in imports
        (line,) = [line for line in imports if "kernel32.dll" in line[1]]
        assert line[1].startswith("of Windows: ") == WINDOWS
        assert len(imports) == 2

    @needs_pefile
    def test_a_missing_import_is_named(self, doctor):
        code, lines = doctor("--dll", self.dll("needs"))
        assert code == 1
        ((status, text),) = [line for line in only(lines, "imports") if "libeay32.dll" in line[1]]
        assert status == ("failed" if WINDOWS else "warning")
        assert "not found: put" in text or "not beside the DLL" in text

    @needs_pefile
    def test_a_missing_export(self, doctor):
        code, lines = doctor("--dll", self.dll("noexport"))
        ((status, text),) = only(lines, "exports")
        assert (code, status) == (1, "failed")
        assert "_NationEcTrans@12" in text

    def test_a_damaged_dll(self, doctor, tmp_path):
        path = tmp_path / "NationECCode.dll"
        path.write_bytes(self.dll("").read_bytes()[:600])
        code, _ = doctor("--dll", path)
        assert code == 1

    def test_without_pefile_the_rest_is_still_looked_at(self, doctor, mocker):
        mocker.patch.dict(sys.modules, {"pefile": None})
        code, lines = doctor("--dll", self.dll(""))
        text = "version, exports and imports not looked at: pip install nationec[doctor]"
        assert only(lines, "imports") == [("warning", text)]
        assert only(lines, "width")
        assert only(lines, "loads")
        assert code == (0 if WINDOWS else 1)

    def test_the_other_width(self, doctor):
        other = 64 if DLLS.name == "32" else 32
        code, lines = doctor("--dll", DLLS.parent / str(other) / f"standin{other}.dll")
        assert only(lines, "width") == [("ok", f"{other}-bit, for Windows")]
        ((status, text),) = only(lines, "loads")
        assert (code, status) == (1, "failed")
        assert f"{other}-bit" in text
        assert "--python" in text


@needs_pefile
@pytest.mark.skipif(WINDRES is None, reason="no MinGW here")
def test_the_version_of_a_windows_dll(doctor, tmp_path):
    (tmp_path / "version.rc").write_text("1 VERSIONINFO FILEVERSION 1,2,30,4\nBEGIN\nEND\n")
    (tmp_path / "empty.c").write_text("int empty;")
    subprocess.run([WINDRES, "version.rc", "version.o"], cwd=tmp_path, check=True)
    compiler = WINDRES.replace("windres", "gcc")
    link = [compiler, "-shared", "-nostdlib", "-o", "versioned.dll", "empty.c", "version.o"]
    subprocess.run(link, cwd=tmp_path, check=True)
    _, lines = doctor("--dll", tmp_path / "versioned.dll")
    assert only(lines, "version") == [("ok", "1.2.30.4")]
