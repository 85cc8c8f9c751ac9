"""The texts in the reader's language: which one that is, and that each has its Chinese."""

import ast
import string
import sys
from pathlib import Path

import pytest

import nationec
from nationec import BusinessError, EcQueryRequest, ReturnCode
from nationec.language import _, _system_language, on_command_line, option
from nationec.zh import CHINESE

from .conftest import on_posix

SOURCES = sorted(Path(nationec.__file__).parent.rglob("*.py"))


@pytest.fixture(autouse=True)
def _afresh():
    _system_language.cache_clear()
    yield
    _system_language.cache_clear()


@pytest.fixture
def settings(monkeypatch):
    """Sets these variables, and none of the others that tell a language."""

    def set_them(**variables):
        for name in ("NATIONEC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        _system_language.cache_clear()

    return set_them


def language():
    return "zh" if ReturnCode.EC_PASSWORD_WRONG.advice.isascii() is False else "en"


def marked(tree):
    """The calls of ``_``, with the text of those that have one literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
            literal = len(node.args) == 1 and not node.keywords and node.args[0]
            text = literal.value if isinstance(literal, ast.Constant) else None
            yield node.lineno, text if isinstance(text, str) else None


def texts():
    """Where each text stands."""
    found = {}
    for source in SOURCES:
        for line, text in marked(ast.parse(source.read_text("utf-8"))):
            found.setdefault(text, f"{source.name}:{line}")
    return found


def names(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


class TestTheTable:
    def test_covers_every_room(self):
        rooms = {"errors", "models", "wire", "client", "codes", "isolated", "doctor"}
        assert rooms <= {source.stem for source in SOURCES}

    def test_is_asked_for_literals_only(self):
        asked = [
            f"{source.name}:{line}"
            for source in SOURCES
            for line, text in marked(ast.parse(source.read_text("utf-8")))
            if text is None
        ]
        assert asked == []

    def test_has_the_chinese_of_every_text(self):
        missing = {text: place for text, place in texts().items() if text not in CHINESE}
        assert missing == {}, "\n".join(f"{place}: {text}" for text, place in missing.items())

    def test_has_no_chinese_without_its_text(self):
        unused = sorted(set(CHINESE) - set(texts()))
        assert unused == [], "\n".join(unused)

    def test_has_the_same_names_in_braces_on_both_sides(self):
        different = {
            text: chinese for text, chinese in CHINESE.items() if names(text) != names(chinese)
        }
        assert different == {}

    def test_says_every_text_in_chinese(self):
        english = {
            text
            for text, chinese in CHINESE.items()
            if chinese.isascii() and not text.startswith("{")
        }
        assert english == set()


class TestWhichLanguage:
    @pytest.mark.parametrize(
        ("variables", "read"),
        [
            ({"NATIONEC_LANG": "zh"}, "zh"),
            ({"NATIONEC_LANG": "zh_CN"}, "zh"),
            ({"NATIONEC_LANG": "ZH"}, "zh"),
            ({"NATIONEC_LANG": "en"}, "en"),
            ({"NATIONEC_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
            ({"NATIONEC_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ],
        ids=str,
    )
    def test_is_that_of_nationec_lang(self, settings, variables, read):
        settings(**variables)
        assert language() == read

    @on_posix
    @pytest.mark.parametrize(
        ("variables", "read"),
        [
            ({}, "en"),
            ({"LANG": "zh_CN.UTF-8"}, "zh"),
            ({"LANG": "zh_CN.GB18030"}, "zh"),
            ({"LANG": "C.UTF-8"}, "en"),
            ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
            ({"LC_MESSAGES": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
            ({"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "en"),
            ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
            ({"NATIONEC_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ],
        ids=str,
    )
    def test_else_is_that_of_the_locale(self, settings, variables, read):
        settings(**variables)
        assert language() == read

    @pytest.mark.parametrize(
        ("identifier", "read"), [(0x0804, "zh"), (0x0404, "zh"), (0x0409, "en"), (0xFFFF, "en")]
    )
    def test_on_windows_is_that_of_the_user_interface(
        self, settings, monkeypatch, identifier, read
    ):
        import ctypes

        class Kernel:
            @staticmethod
            def GetUserDefaultUILanguage():
                return identifier

        class WinDll:
            kernel32 = Kernel

        settings(LANG="de_DE.UTF-8")
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(ctypes, "windll", WinDll, raising=False)
        assert language() == read


class TestTexts:
    def test_are_in_it_when_they_are_read(self, client, simulator, query, monkeypatch):
        simulator.answer(code=500004)
        with pytest.raises(BusinessError, match="the platform says: 500004"):
            client.call(query)
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        simulator.answer(code=500004)
        with pytest.raises(BusinessError, match="500004") as caught:
            client.call(query)
        assert "platform" not in str(caught.value)
        with pytest.raises(TypeError, match="EcQueryRequest"):
            client.call(EcQueryRequest)

    def test_name_what_the_reader_gives(self):
        assert option("out_buffer_size") == "out_buffer_size="
        token = on_command_line.set(True)
        assert option("out_buffer_size") == "--out-buffer-size"
        on_command_line.reset(token)

    def test_that_are_english_are_themselves(self):
        assert [text for text in CHINESE if _(text) != text] == []

    def test_of_advice_are_there_for_the_codes_that_a_window_meets_most(self, monkeypatch):
        advised = {int(code) for code in ReturnCode if code.advice}
        most = {-2, -3, 501001, 500004, 500042, 500049, 500079, 500159, 500316, 500320}
        assert advised == most
        assert ReturnCode.SUCCESS.advice is None
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        for code in most:
            assert not ReturnCode(code).advice.isascii()
            assert "患者" not in ReturnCode(code).advice
