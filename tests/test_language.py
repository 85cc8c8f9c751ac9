"""The texts in the reader's language: which one that is, and that each has its Chinese."""

import ast
import ctypes
import string
import sys
from pathlib import Path

import pytest

import nationec
from nationec import ReturnCode
from nationec.codes import ADVICE
from nationec.language import cut, on_command_line, option
from nationec.zh import CHINESE

from .conftest import on_posix


def texts():
    """The literals that ``_`` is called with, and ``None`` for anything else."""
    found = set(ADVICE.values())
    for source in Path(nationec.__file__).parent.rglob("*.py"):
        if source.match("nationec/codes.py"):
            continue  # a row of ADVICE
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                (literal,) = node.args
                found.add(literal.value if isinstance(literal, ast.Constant) else None)
    return found


def names(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


class TestTheTable:
    def test_has_the_chinese_of_every_text_and_no_other(self):
        assert set(CHINESE) == texts()

    def test_has_the_same_names_in_braces_and_speaks_of_the_insured_and_not_of_patients(self):
        for text, told in CHINESE.items():
            assert names(text) == names(told)
            assert text.startswith("{") or not told.isascii()
            assert "患者" not in told


class TestWhichLanguage:
    @pytest.fixture
    def read(self, monkeypatch):
        """The language of a reader with these variables."""

        def read(**variables):
            for name in ("NATIONEC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
                monkeypatch.delenv(name, raising=False)
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            return "en" if ReturnCode.EC_PASSWORD_WRONG.advice.isascii() else "zh"

        return read

    def test_is_that_of_nationec_lang(self, read):
        assert [read(NATIONEC_LANG=set_to) for set_to in ("zh", "zh_CN", "ZH")] == ["zh"] * 3
        assert read(NATIONEC_LANG="en", LC_ALL="zh_CN.UTF-8") == "en"
        assert read(NATIONEC_LANG="zh", LC_ALL="en_US.UTF-8") == "zh"

    @on_posix
    def test_else_is_that_of_the_locale(self, read):
        chinese, american = "zh_CN.UTF-8", "en_US.UTF-8"
        assert read() == read(LANG="C.UTF-8") == "en"
        assert read(NATIONEC_LANG="", LANG=chinese) == read(LANG="zh_CN.GB18030") == "zh"
        assert read(LC_MESSAGES=american, LANG=chinese) == "en"
        assert read(LC_ALL="", LC_MESSAGES=chinese, LANG=american) == "zh"
        assert read(LC_ALL=american, LC_MESSAGES=chinese) == "en"

    def test_on_windows_is_that_of_the_user_interface(self, read, monkeypatch, mocker):
        windll = mocker.patch.object(ctypes, "windll", create=True)
        monkeypatch.setattr(sys, "platform", "win32")
        for identifier, told in ((0x0804, "zh"), (0x0404, "zh"), (0x0409, "en"), (0xFFFF, "en")):
            windll.kernel32.GetUserDefaultUILanguage.return_value = identifier
            assert read(LANG="de_DE.UTF-8") == told, identifier


def test_a_text_names_what_the_reader_gives():
    assert option("out_buffer_size") == "out_buffer_size="
    token = on_command_line.set(True)
    assert option("out_buffer_size") == "--out-buffer-size"
    on_command_line.reset(token)


def test_words_are_cut_after_200_characters():
    assert [cut("x" * 200), cut("x" * 201)] == ["x" * 200, "x" * 200 + "…"]
