"""For a hospital without internet: what the handbook's commands collect runs on Windows 7.

tests/windows/offline installs such wheels on Windows, and runs the demo.
"""

import re
import shlex
import subprocess
import sys
import zipfile

import pip
import pytest

from .test_readme import FENCED, ROOT, TEXTS

NEWER = b"ProcessPrng WaitOnAddress WakeByAddressSingle GetSystemTimePreciseAsFileTime".split()
"""Functions that Windows 7 lacks."""


@pytest.fixture
def wheels(tmp_path):
    """The folder of those for a 32-bit Python 3.8."""
    if tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3):
        pytest.skip("the README asks for pip 22.3")
    blocks = (code for _, code in FENCED.findall(TEXTS["guide.md"]))
    for command in next(code for code in blocks if "pip download" in code).splitlines():
        arguments = [str(tmp_path) if part == "wheels" else part for part in shlex.split(command)]
        program = [sys.executable, "-m", *arguments]
        done = subprocess.run(program, cwd=ROOT, capture_output=True, encoding="utf-8")
        if done.returncode and re.search("connection|timed out|resolution", done.stderr, re.I):
            pytest.skip("the package index cannot be reached from this machine")
        assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="the wheels are collected elsewhere")
def test_windows_7_has_every_function_that_the_wheels_for_3_8_import(wheels):
    pefile = pytest.importorskip("pefile", reason="pefile, of the extra doctor, is not installed")
    modules = []
    for wheel in wheels.iterdir():
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith((".pyd", ".dll"))]
            modules += [archive.read(name) for name in names]
    assert modules
    for module in modules:
        image = pefile.PE(data=module)
        assert image.OPTIONAL_HEADER.MajorSubsystemVersion <= 6
        for imported in image.DIRECTORY_ENTRY_IMPORT:
            assert not imported.dll.startswith(b"api-ms-win-core-")
            assert not {function.name for function in imported.imports}.intersection(NEWER)
