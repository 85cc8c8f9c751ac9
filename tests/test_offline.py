"""For a hospital without internet: what the handbook's commands collect runs on Windows 7.

tests/windows/offline installs such wheels on Windows, and runs the demo.
"""

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "src" / "nationec" / "guide.md").read_text("utf-8")
NEWER = b"ProcessPrng WaitOnAddress WakeByAddressSingle GetSystemTimePreciseAsFileTime".split()
"""Functions that Windows 7 lacks."""


def commands():
    """What is to be run on the machine with internet."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.M | re.S)
    return next(block for block in blocks if "pip download" in block).splitlines()


@pytest.fixture
def wheels(tmp_path):
    """The folder of those for a 32-bit Python 3.8."""
    if tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3):
        pytest.skip("the README asks for pip 22.3")
    for command in commands():
        program = [sys.executable, "-m", *shlex.split(command.replace(".[all]", f"{ROOT}[all]"))]
        program = [str(ROOT) if part == "." else part for part in program]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, encoding="utf-8")
        if done.returncode and re.search("connection|timed out|resolution", done.stderr, re.I):
            pytest.skip("the package index cannot be reached from this machine")
        assert done.returncode == 0, done.stderr
    return tmp_path / "wheels"


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
