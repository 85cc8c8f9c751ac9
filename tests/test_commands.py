"""The command ``nationec``: its parser, ``demo``, ``codes``, ``guide`` and ``examples``."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nationec as package
from nationec import ReturnCode, __version__
from nationec.commands import output
from nationec.language import on_command_line

from .conftest import ON_WIRE
from .test_call import SIMULATED
from .test_codes import ENUMS

COMMANDS = ("demo", "call", "codes", "doctor", "guide", "examples")


class TestParser:
    def test_without_a_command_it_prints_its_help(self, nationec):
        status, out, err = nationec()
        assert (status, err) == (0, "")
        assert all(command in out for command in COMMANDS)
        assert nationec("--version") == (0, f"nationec {__version__}\n", "")

    @pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
    def test_help_is_in_the_readers_language(self, command, nationec, monkeypatch):
        status, shown, _ = nationec(*command, "--help")
        assert (status, "usage: nationec" in shown) == (0, True)
        assert re.search("options:\n  -h, --help +show this help\n", shown)
        assert "arguments:\n  -" not in shown
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        _, shown, _ = nationec(*command, "--help")
        assert "用法：nationec" in shown
        english = "usage:|options:|arguments:|show this|[a-z]{3,} [a-z]{3,} [a-z]{3,}"
        assert not re.search(english, shown)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--user-name", "张三", "demo"], "there is no such command"),
            (["demo", "--user-name=张三", "-id张三"], "superfluous arguments: --user-name ("),
            (["doctor", "张三"], "superfluous arguments: … ("),
            (["examples"], "FOLDER must be given"),
            (["call", "ec.query"], "--json must be given"),
            (["guide", "--path=张三"], "--path takes no value"),
            (["doctor", "--dll"], "--dll: a value must follow"),
        ],
    )
    def test_what_is_wrong_is_said_in_the_readers_language(
        self, arguments, said, nationec, monkeypatch
    ):
        for language in ("zh", "en"):
            monkeypatch.setenv("NATIONEC_LANG", language)
            status, out, err = nationec(*arguments)
            assert (status, out) == (2, "")
            assert re.fullmatch("nationec: [^\n]+\n", err)
            assert (said in err) == (language == "en")
        assert not on_command_line.get()  # afterwards


def test_demo_shows_five_transactions_and_a_refusal(nationec):
    status, out, err = nationec("demo")
    assert (status, err) == (0, "")
    scan, check, password = "cn.nhsa.qrcode.get", "cn.nhsa.auth.check", "cn.nhsa.ec.pwd"
    shown = re.findall(r"^== (\S+)  [一-龥]+ \(", out, re.MULTILINE)
    assert shown == ["ec.query", scan, "cn.nhsa.ec.auth", check, password, password]
    assert " BusinessError: the platform says: 500004 电子凭证密码错误" in out
    requests = re.findall(r"^asked +(.*)$", out, re.MULTILINE)
    assert not re.search("org_id|out_biz_no", "".join(requests))
    # Each can be copied and run.
    assert [eval(request, vars(package)).trans_type for request in requests] == shown
    results = re.findall(r"^result +(.*)$", out, re.MULTILINE)
    assert results[0].startswith("EcQueryResponse(id_no=…, id_type='01', user_name=…")


@pytest.mark.parametrize("query", [[], ["01a"]])  # more, and less, than Python holds back
def test_a_reader_that_has_gone_is_no_traceback(query):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "nationec", "codes", *query]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


class TestConsole:
    def run(self, encoding, *arguments):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "NATIONEC_LANG": "zh"}
        command = [sys.executable, "-m", "nationec", *arguments]
        request = json.dumps(ON_WIRE).encode()
        return subprocess.run(command, input=request, capture_output=True, env=environment)

    def test_what_a_script_reads_is_utf_8_whatever_the_console(self):
        done = self.run("cp936", *SIMULATED)
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout.decode())["userName"] == "张三"

    @pytest.mark.parametrize(
        ("name", "shown"), [("张三", "张三"), ("\u9fb4𠀀", "\\u9fb4\\ud840\\udc00")]
    )
    def test_a_console_of_code_page_936_gets_its_own_characters_and_escapes_for_others(
        self, name, shown, monkeypatch
    ):
        console = io.TextIOWrapper(io.BytesIO(), "cp936")
        monkeypatch.setattr(console, "isatty", lambda: True)
        output.write(console, {"userName": name}, False)
        text = console.buffer.getvalue().decode("cp936")
        assert shown in text
        assert json.loads(text) == {"userName": name}

    @pytest.mark.parametrize("encoding", ["cp936", "ascii"])
    @pytest.mark.parametrize(
        ("arguments", "exit_code", "text"),
        [
            (["demo"], 0, "张三"),
            (["call", "--json", "-", "x" * 41, "--simulate"], 2, "交易类型"),
        ],
    )
    def test_a_console_that_lacks_characters_stops_nothing(
        self, arguments, exit_code, text, encoding
    ):
        done = self.run(encoding, *arguments)
        assert done.returncode == exit_code
        shown = (done.stdout + done.stderr).decode(encoding)
        assert (text in shown) == (encoding == "cp936")


class TestCodes:
    @pytest.fixture
    def lines(self, nationec):
        def lines(*query):
            status, out, err = nationec("codes", *query)
            assert (status == 0) == bool(out) == (not err)
            return out.splitlines()

        return lines

    def test_a_code_is_looked_up(self, lines):
        for code in ("01a", "01A"):
            assert [line.split()[1] for line in lines(code)] == ["医保电子凭证"]
        assert [line.split()[1] for line in lines("01")] == ["居民身份证（户口簿）"]
        assert "请求参数异常" in lines("-2")[0]
        (line,) = lines("500001")
        assert line == "500001  该电子凭证不存在  [§7.1, ReturnCode.EC_NOT_FOUND, 电子凭证中心]"

    def test_what_to_do_about_it_stands_beneath_and_is_searched_too(self, lines, monkeypatch):
        _, advice = lines("500004")
        assert advice.strip() == ReturnCode.EC_PASSWORD_WRONG.advice
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        found = lines("刷新")
        assert [line[:6] for line in found[::2]] == ["501001", "500049"]
        assert {line.strip() for line in found[1::2]} == {"请参保人刷新二维码后重新扫码"}

    def test_words_must_all_be_there(self, lines):
        assert "500079" in [line.split()[0] for line in lines("密码", "锁定")]
        assert len(lines("密码")) > len(lines("密码", "锁定")) > 0
        assert len(lines()) == sum(map(len, ENUMS))
        assert lines("123456") == []


class TestGuide:
    def test_it_prints_the_chapters_with_the_word_in_their_heading(self, nationec):
        status, out, err = nationec("guide", "windows 7")
        assert (status, out.startswith("## 离线安装与 Windows 7\n\n"), err) == (0, True, "")
        assert (out.count("\n## "), "### 收集\n" in out) == (0, True)

    def test_without_a_word_it_lists_them_and_says_where_it_is(self, nationec):
        text = Path(nationec("guide", "--path")[1].strip()).read_text("utf-8")
        headings = re.findall("^## (.*)$", text, re.MULTILINE)
        assert nationec("guide") == (0, "".join(f"{each}\n" for each in headings), "")
        status, out, err = nationec("guide", "火星")
        assert (status, out, ", ".join(headings) in err) == (1, "", True)


class TestExamples:
    def test_they_are_copied(self, nationec, tmp_path):
        folder = tmp_path / "示例" / "新"
        status, out, _ = nationec("examples", folder)
        copied = set(map(Path, out.splitlines()))
        assert (status, folder / "local_agent" / "agent.py" in copied) == (0, True)
        assert set(filter(Path.is_file, folder.rglob("*"))) == copied
        assert not list(folder.rglob("__pycache__"))

    def test_a_file_that_is_there_is_not_overwritten(self, nationec, tmp_path):
        (tmp_path / "decode_qrcode.py").write_text("mine")
        status, out, err = nationec("examples", tmp_path)
        assert (status, out, "decode_qrcode.py" in err) == (2, "", True)
        assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]

    def test_a_folder_that_cannot_be_made(self, nationec):
        status, _, err = nationec("examples", f"{__file__}/folder")
        assert (status, __file__ in err) == (2, True)
