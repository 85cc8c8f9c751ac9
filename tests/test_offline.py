"""For a hospital without internet: the wheels that are collected fit the hospital's Python."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from itertools import product
from pathlib import Path

import pip
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "src" / "nationec" / "guide.md").read_text("utf-8")
TARGETS = {"3.8": ("3.8.10", "cp38", "win32"), "3.13": ("3.13.0", "cp313", "win_amd64")}
OPTIONS = {
    version: f"--platform {platform} --python-version {version}"
    for version, (_, _, platform) in TARGETS.items()
}
NEEDED = {"nationec", "pydantic", "pydantic_core", "typing_extensions", "annotated_types", "pefile"}

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


@pytest.fixture(scope="module", params=TARGETS)
def collected(request, tmp_path_factory):
    """The target, and the wheels for it."""
    if tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3):
        pytest.skip("the README asks for pip 22.3")
    there = tmp_path_factory.mktemp("offline")
    # A copy: building may leave files behind, and another test run may be building too.
    copy = there / "nationec"
    ignore = shutil.ignore_patterns(".*", "__pycache__", "tests", "wheels")
    shutil.copytree(ROOT, copy, ignore=ignore)
    for command in commands(GUIDE):
        _, *arguments = shlex.split(command.replace(OPTIONS["3.8"], OPTIONS[request.param]))
        done = pip_run(*arguments, cwd=copy, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        if done.returncode and not the_index_can_be_reached(there / "probe"):
            pytest.skip("the package index cannot be reached from this machine")
        assert done.returncode == 0, done.stderr
    return (TARGETS[request.param], sorted((copy / "wheels").iterdir()))


def distribution(wheel):
    return next(iter(distributions(path=[str(wheel)])))


def test_the_readme_and_the_guide_say_the_same():
    for text in (README, GUIDE):
        assert commands(text) == [
            "pip wheel --no-deps -w wheels .",
            f'pip download --only-binary=:all: {OPTIONS["3.8"]} -d wheels ".[all]"',
        ]
        assert r'pip install --no-index --find-links wheels "nationec[all]"' in text
        for option in re.findall(r"--\S+ \S+", OPTIONS["3.13"]):
            assert option in text


def test_every_wheel_fits_its_python(collected):
    (version, interpreter, platform), wheels = collected
    assert len({wheel.suffix for wheel in wheels}) == 1
    compiled = f"{interpreter}-{interpreter}-{platform}"
    for wheel in wheels:
        tags = wheel.stem.split("-", 2)[2]
        assert tags in (compiled, "py3-none-any", "py2.py3-none-any")
        assert version in SpecifierSet(distribution(wheel).metadata["Requires-Python"] or "")


def test_everything_that_is_needed_is_there_once(collected):
    (version, *_), wheels = collected
    found = {wheel.name.split("-")[0].lower(): distribution(wheel) for wheel in wheels}
    assert len(found) == len(wheels)
    assert found.keys() >= NEEDED
    there = {"python_version": version.rpartition(".")[0], "python_full_version": version}
    there.update(os_name="nt", sys_platform="win32", platform_system="Windows")
    there["platform_python_implementation"] = "CPython"
    for name, told in found.items():
        extras = ("doctor", "all") if name == "nationec" else ("",)
        for extra, text in product(extras, told.requires or ()):
            needs = Requirement(text)
            if needs.marker is None or needs.marker.evaluate({**there, "extra": extra}):
                other = found[re.sub("[-_.]+", "_", needs.name).lower()]
                assert needs.specifier.contains(other.version, prereleases=True), (name, text)


@pytest.mark.parametrize("collected", ["3.8"], indirect=True)
def test_windows_7_has_every_function_that_the_wheels_for_3_8_import(collected):
    pefile = pytest.importorskip("pefile", reason="pefile, of the extra doctor, is not installed")
    _, wheels = collected
    modules = []
    for wheel in wheels:
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
