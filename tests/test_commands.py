"""The command ``nationec``: its parser, ``demo``, ``codes``, ``guide`` and ``examples``."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nationec import __version__, codes, commands
from nationec.commands import guide, main, output
from nationec.language import on_command_line

COMMANDS = ("demo", "call", "codes", "doctor", "guide", "examples")
QUERY = ["call", "ec.query", "--simulate", "--business-type", "01101", "--operator-id", "008"]
QUERY += ["--operator-name", "收款员", "--office-id", "1", "--office-name", "内科"]


def run(*arguments, encoding="utf-8", **more):
    return subprocess.run(
        [sys.executable, "-m", "nationec", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding=encoding,
        env={**os.environ, "PYTHONIOENCODING": encoding, **more},
        timeout=60,
    )


class TestParser:
    def test_without_a_command_it_prints_its_help(self, capsys):
        assert main([]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert all(command in out for command in COMMANDS)

    def test_version(self):
        assert run("--version").stdout.strip() == f"nationec {__version__}"

    @pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
    def test_help_is_in_the_readers_language(self, command, capsys, monkeypatch):
        shown = {}
        for language in ("zh", "en"):
            monkeypatch.setenv("NATIONEC_LANG", language)
            with pytest.raises(SystemExit, match="0"):
                main([*command, "--help"])
            shown[language] = capsys.readouterr().out
        assert "用法：nationec" in shown["zh"]
        assert not re.search(
            "usage:|options:|arguments:|show this|[a-z]{3,} [a-z]{3,} [a-z]{3,}", shown["zh"]
        )
        assert "usage: nationec" in shown["en"]
        assert "show this help" in shown["en"]
        has_deadline = command in (["call"], ["doctor"])
        assert has_deadline == ("--timeout SECONDS" in shown["en"])

    @pytest.mark.parametrize(
        "arguments",
        [
            ["张三"],
            ["examples"],
            ["guide", "--path=张三"],
            ["doctor", "--dll"],
            ["doctor", "张三"],
            ["doctor", "--id-no=张三"],
            ["call"],
            [*QUERY, "--timeout", "张三"],
            [*QUERY, "--office-name", "张三" * 20],
        ],
    )
    def test_what_is_wrong_is_said_in_the_readers_language(self, arguments, capsys, monkeypatch):
        for language in ("zh", "en"):
            monkeypatch.setenv("NATIONEC_LANG", language)
            assert main(arguments) == 2
            out, err = capsys.readouterr()
            assert out == ""
            assert re.fullmatch("nationec: [^\n]+\n", err)
            assert "张三" not in err
            said = re.sub(r"\(nationec.*", "", err)
            assert bool(re.search("[a-z]{2,} [a-z]{2,}", said)) == (language == "en"), err

    def test_that_it_is_the_command_line_is_forgotten_afterwards(self, capsys):
        main(["codes", "500004"])
        assert not on_command_line.get()


class TestDemo:
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_it_shows_five_transactions_and_a_refusal(self, language, capsys, monkeypatch):
        monkeypatch.setenv("NATIONEC_LANG", language)
        assert main(["demo"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        scan, check, password = "cn.nhsa.qrcode.get", "cn.nhsa.auth.check", "cn.nhsa.ec.pwd"
        shown = re.findall(r"^== (\S+)  [一-龥]+ \(", out, re.MULTILINE)
        assert shown == ["ec.query", scan, "cn.nhsa.ec.auth", check, password, password]
        assert "EcQueryResponse(id_no='533222199909090123'" in out
        assert "user_name='张三'" in out
        said = {
            "zh": "医保平台提示：电子凭证密码错误（500004）",
            "en": "the platform says: 500004 电子凭证密码错误",
        }
        assert f" BusinessError: {said[language]}" in out
        assert ("响应" in out) == (language == "zh")

    @pytest.mark.parametrize("encoding", ["gbk", "ascii"])
    def test_on_a_console_that_lacks_characters(self, encoding):
        done = run("demo", encoding=encoding, NATIONEC_LANG="zh")
        assert done.returncode == 0
        assert ("张三" in done.stdout) == (encoding == "gbk")


class TestConsole:
    def test_what_a_script_reads_is_utf_8_whatever_the_console(self):
        done = subprocess.run(
            [sys.executable, "-m", "nationec", *QUERY],
            env={**os.environ, "PYTHONIOENCODING": "cp936"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.decode("utf-8"))["userName"] == "张三"

    @pytest.mark.parametrize(
        ("name", "shown"), [("张三", "张三"), ("\u9fb4𠀀", "\\u9fb4\\ud840\\udc00")]
    )
    def test_a_console_of_code_page_936_gets_its_own_characters_and_escapes_for_others(
        self, name, shown
    ):
        class Console(io.TextIOWrapper):
            def isatty(self):
                return True

        console = Console(io.BytesIO(), "cp936")
        output.write(console, {"userName": name})
        console.flush()
        text = console.buffer.getvalue().decode("cp936")
        assert shown in text
        assert json.loads(text) == {"userName": name}

    @pytest.mark.parametrize("encoding", ["cp936", "ascii"])
    def test_an_error_on_a_console_that_lacks_characters(self, encoding):
        done = run(*QUERY, "--photo-data", "!", encoding=encoding, NATIONEC_LANG="zh")
        assert done.returncode == 2
        assert ("人脸照片" in done.stderr) == (encoding == "cp936")

    def test_a_table_on_a_console_of_code_page_936(self):
        done = run("codes", "500004", encoding="cp936")
        assert (done.returncode, "电子凭证密码错误" in done.stdout) == (0, True)


class TestCodes:
    @pytest.fixture
    def lines(self, capsys):
        def lines(*query):
            status = main(["codes", *query])
            out, err = capsys.readouterr()
            assert (status == 0) == bool(out) == (not err)
            return out.splitlines()

        return lines

    def test_a_code_is_looked_up(self, lines):
        assert [line.split()[1] for line in lines("01a")] == ["医保电子凭证"]
        assert [line.split()[1] for line in lines("01")] == ["居民身份证（户口簿）"]
        (line,) = lines("500001")
        assert line == "500001  该电子凭证不存在  [§7.1, ReturnCode.EC_NOT_FOUND, 电子凭证中心]"

    def test_what_to_do_about_it_stands_beneath(self, lines, monkeypatch):
        line, advice = lines("500004")
        assert (
            line == "500004  电子凭证密码错误  [§7.1, ReturnCode.EC_PASSWORD_WRONG, 电子凭证中心]"
        )
        assert advice.strip() == codes.ReturnCode.EC_PASSWORD_WRONG.advice
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        assert "请参保人" in lines("500004")[1]

    def test_negative_codes_too(self, lines):
        assert "请求参数异常" in lines("-2")[0]

    def test_words_must_all_be_there(self, lines):
        assert [line.split()[0] for line in lines("密码", "锁定")] == ["500079"]
        assert len(lines("密码")) > 5

    def test_without_a_query_it_is_all_of_them(self, lines):
        tables = (codes.BusinessType, codes.IdType, codes.OrderStatus, codes.MdtrtCertType)
        tables += (codes.PwdFlag, codes.ReturnCode)
        assert len(lines()) == sum(map(len, tables))

    def test_what_is_not_there(self, lines):
        assert lines("123456") == []


class TestGuide:
    @pytest.fixture(autouse=True)
    def handbook(self, tmp_path, monkeypatch):
        path = tmp_path / "guide.md"
        text = "# 手册\n\n前言\n\n## 离线安装\n\n装\n\n### Windows 7\n\n## 常见问题\n\n问\n"
        path.write_text(text, "utf-8")
        monkeypatch.setattr(guide, "GUIDE", path)
        return path

    def test_without_a_word_it_lists_the_chapters(self, capsys):
        assert main(["guide"]) == 0
        assert capsys.readouterr().out == "离线安装\n常见问题\n"

    def test_it_prints_the_chapters_with_the_word_in_their_heading(self, capsys):
        assert main(["guide", "离线"]) == 0
        assert capsys.readouterr().out == "## 离线安装\n\n装\n\n### Windows 7\n"

    def test_a_chapter_that_is_not_there(self, capsys):
        assert main(["guide", "没有"]) == 1
        out, err = capsys.readouterr()
        assert (out, "离线安装, 常见问题" in err) == ("", True)

    def test_it_says_where_the_handbook_is(self, handbook, capsys):
        assert main(["guide", "--path"]) == 0
        assert capsys.readouterr().out == f"{handbook}\n"


def test_the_guide_is_there(capsys):
    assert main(["guide"]) == 0
    assert capsys.readouterr().out


class TestExamples:
    def test_they_are_copied(self, tmp_path, capsys):
        folder = tmp_path / "示例" / "新"
        assert main(["examples", str(folder)]) == 0
        copied = capsys.readouterr().out.splitlines()
        assert str(folder / "decode_qrcode.py") in copied
        assert str(folder / "local_agent" / "agent.py") in copied
        assert sorted(map(str, filter(Path.is_file, folder.rglob("*")))) == sorted(copied)
        assert not list(folder.rglob("__pycache__"))

    def test_a_file_that_is_there_is_not_overwritten(self, tmp_path, capsys):
        (tmp_path / "decode_qrcode.py").write_text("mine")
        assert main(["examples", str(tmp_path)]) == 2
        out, err = capsys.readouterr()
        assert (out, "decode_qrcode.py" in err) == ("", True)
        assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]

    def test_a_folder_that_cannot_be(self, tmp_path, capsys):
        (tmp_path / "file").write_text("mine")
        assert main(["examples", str(tmp_path / "file" / "folder")]) == 2
        assert "file" in capsys.readouterr().err


def test_every_command_is_a_file():
    folder = Path(commands.__file__).parent
    assert all((folder / f"{command}.py").is_file() for command in COMMANDS)
