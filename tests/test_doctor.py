"""``nationec doctor``, on real libraries and real sockets."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from nationec import cli
from nationec.transports.binding import WIDTH

WINDOWS = sys.platform == "win32"
DLLS = Path(os.environ.get("NATIONEC_TEST_DLLS", ""))
needs_lab = pytest.mark.skipif("NATIONEC_TEST_DLLS" not in os.environ, reason="the Windows lab is not set up")


@pytest.fixture
def doctor(capsys):
    """Runs it: the exit code, and the lines of the report as (check, status, text)."""

    def run(*arguments):
        code = cli.main(["doctor", "--json", *map(str, arguments)])
        return code, [(line["check"], line["status"], line["text"]) for line in json.loads(capsys.readouterr().out)]

    return run


def only(lines, check):
    return [(status, text) for name, status, text in lines if name == check]


def test_all_is_well(doctor, standin):
    code, lines = doctor("--dll", standin)
    assert code == 0
    assert "failed" not in [status for _, status, _ in lines]
    assert only(lines, "DLL") == [("ok", str(standin))]
    assert only(lines, "width") == [("ok", f"a {WIDTH}-bit library for {'Windows' if WINDOWS else 'Linux'}")]
    assert only(lines, "loads") == [("ok", "in this Python")]
    ((_, text),) = only(lines, "Python")
    assert f"{WIDTH}-bit, {sys.executable}" in text
    ((status, text),) = only(lines, "system")
    assert (status, "Windows" in text) == ("ok" if WINDOWS else "warning", True)


def test_lines_are_for_people_without_json(standin, capsys):
    assert cli.main(["doctor", "--dll", str(standin)]) == 0
    assert f"ok       DLL      {standin}\n" in capsys.readouterr().out


def test_no_dll(doctor, monkeypatch, tmp_path):
    monkeypatch.delenv("NATIONEC_DLL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, lines = doctor()
    ((status, text),) = only(lines, "DLL")
    assert (code, status) == (1, "failed")
    assert str(tmp_path / "NationECCode.dll") in text
    assert only(lines, "loads") == []


def test_a_file_that_is_no_library(doctor):
    code, lines = doctor("--dll", __file__)
    assert code == 1
    assert [status for status, _ in only(lines, "width") + only(lines, "loads")] == ["failed", "failed"]


class TestUrl:
    def test_that_accepts_a_connection(self, doctor, standin):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            host, port = server.getsockname()
            code, lines = doctor("--dll", standin, "--url", f"http://{host}:{port}/localcfc")
        assert (code, only(lines, "url")) == (0, [("ok", f"127.0.0.1 port {port} accepts a connection")])

    def test_that_does_not(self, doctor, standin):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
        code, lines = doctor("--dll", standin, "--url", f"http://127.0.0.1:{port}/localcfc")
        ((status, text),) = only(lines, "url")
        assert (code, status) == (1, "failed")
        assert f"127.0.0.1 port {port} does not accept a connection" in text

    @pytest.mark.parametrize("url", ["10.0.0.8:8081", "http://", "http://h:port"])
    def test_that_is_none(self, doctor, standin, url):
        code, lines = doctor("--dll", standin, "--url", url)
        ((status, text),) = only(lines, "url")
        assert (code, status) == (1, "failed")
        assert "http://HOST:PORT/PATH" in text

    @pytest.mark.parametrize("host", ["a..b", "x" * 64])
    def test_whose_host_no_dns_can_have(self, doctor, standin, host):
        code, lines = doctor("--dll", standin, "--url", f"http://{host}/localcfc")
        ((status, _),) = only(lines, "url")
        assert (code, status) == (1, "failed")


class TestTheOtherPython:
    def test_that_loads_the_dll(self, doctor, standin):
        code, lines = doctor("--dll", standin, "--python", sys.executable)
        assert (code, only(lines, "loads")) == (0, [("ok", f"in {sys.executable}")])

    def test_that_does_not_start(self, doctor, standin):
        code, lines = doctor("--dll", standin, "--python", "no-such-python")
        ((status, text),) = only(lines, "loads")
        assert (code, status) == (1, "failed")
        assert "no-such-python does not start" in text


@needs_lab
class TestTables:
    """Of a Windows DLL, on any system."""

    def dll(self, name):
        return DLLS / name / "NationECCode.dll" if name else DLLS / f"standin{DLLS.name}.dll"

    def test_exports_and_imports(self, doctor):
        code, lines = doctor("--dll", self.dll("openssl"))
        assert code == (0 if WINDOWS else 1)
        assert only(lines, "exports") == [("ok", "NationEcTrans")]
        imports = dict(text.split(": ", 1) for _, text in only(lines, "imports"))
        for name in ("libeay32.dll", "ssleay32.dll"):
            assert imports[name] == str(DLLS / "openssl" / name)
        assert ("kernel32.dll" in imports["KERNEL32.dll"].lower()) == WINDOWS

    def test_a_missing_import_is_named(self, doctor):
        code, lines = doctor("--dll", self.dll("needs"))
        assert code == 1
        ((status, text),) = [line for line in only(lines, "imports") if line[1].startswith("libeay32.dll")]
        assert status == ("failed" if WINDOWS else "warning")
        assert "not found" in text or "not beside the DLL" in text

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
        assert only(lines, "tables") == [("warning", "exports and imports not looked at: pip install nationec[doctor]")]
        assert only(lines, "width")
        assert only(lines, "loads")
        assert code == (0 if WINDOWS else 1)

    def test_the_other_width(self, doctor):
        other = 64 if DLLS.name == "32" else 32
        code, lines = doctor("--dll", DLLS.parent / str(other) / f"standin{other}.dll")
        ((status, text),) = only(lines, "width")
        assert (code, status) == (1, "failed")
        assert f"a {other}-bit library for Windows" in text
        assert "--python" in text
