"""For a hospital without internet: the wheels that the handbook collects install there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "src" / "nationec" / "guide.md").read_text("utf-8")
OPTIONS = {
    version: f"--platform {platform} --python-version {version}"
    for version, platform in (("3.8", "win32"), ("3.13", "win_amd64"))
}

pytestmark = pytest.mark.skipif(
    sys.platform == "win32",
    reason="the wheels are collected elsewhere; tests/windows/offline installs them on Windows",
)


def commands(text):
    """What is to be run on the machine with internet."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return next(block for block in blocks if "pip download" in block).splitlines()


def pip_run(*arguments, **options):
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", **options)


def the_index_can_be_reached(folder):
    options = ["-q", "--no-deps", "--retries=0", "-d", str(folder)]
    asked = pip_run("download", *options, "typing_extensions")
    failures = "connection|timed out|name resolution|No matching distribution"
    return not re.search(failures, asked.stderr, re.I)


@pytest.fixture(scope="module", params=OPTIONS)
def collected(request, tmp_path_factory):
    """The options that name the hospital's Python, and the folder of the wheels for it."""
    if tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3):
        pytest.skip("the README asks for pip 22.3")
    there = tmp_path_factory.mktemp("offline")
    # A copy: building may leave files behind, and another test run may be building too.
    copy = there / "nationec"
    ignore = shutil.ignore_patterns(".*", "__pycache__", "tests", "wheels")
    shutil.copytree(ROOT, copy, ignore=ignore)
    options = OPTIONS[request.param]
    for command in commands(GUIDE):
        _, *arguments = shlex.split(command.replace(OPTIONS["3.8"], options))
        done = pip_run(*arguments, cwd=copy, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        if done.returncode and not the_index_can_be_reached(there / "probe"):
            pytest.skip("the package index cannot be reached from this machine")
        assert done.returncode == 0, done.stderr
    return options.split(), copy / "wheels"


def test_the_readme_and_the_guide_say_the_same():
    assert commands(README) == commands(GUIDE)
    for text in (README, GUIDE):
        assert r'pip install --no-index --find-links wheels "nationec[all]"' in text
        assert OPTIONS["3.8"] in text
        assert OPTIONS["3.13"] in text


def test_the_wheels_install_without_an_index(collected, tmp_path):
    options, wheels = collected
    sources = ["--no-index", "--find-links", str(wheels), "--only-binary=:all:"]
    done = pip_run("install", *sources, *options, "--target", str(tmp_path), "nationec[all]")
    assert done.returncode == 0, done.stderr
    (compiled,) = tmp_path.glob("pydantic_core/*.pyd")
    assert compiled.name.endswith(f"-{options[1]}.pyd")
    assert {"nationec", "pefile.py"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("collected", ["3.8"], indirect=True)
def test_windows_7_has_every_function_that_the_wheels_for_3_8_import(collected):
    pefile = pytest.importorskip("pefile", reason="pefile, of the extra doctor, is not installed")
    modules = []
    for wheel in collected[1].iterdir():
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith((".pyd", ".dll"))]
            modules += [archive.read(name) for name in names]
    assert modules
    newer = b"ProcessPrng WaitOnAddress WakeByAddressSingle GetSystemTimePreciseAsFileTime".split()
    for module in modules:
        image = pefile.PE(data=module)
        assert image.OPTIONAL_HEADER.MajorSubsystemVersion <= 6
        for imported in image.DIRECTORY_ENTRY_IMPORT:
            assert not imported.dll.startswith(b"api-ms-win-core-")
            assert not {function.name for function in imported.imports}.intersection(newer)
