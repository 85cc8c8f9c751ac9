"""The README's commands for a hospital without internet: the wheels that they collect fit the hospital's Python."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).parents[1]
HALVES = re.split(r"^(?=# nationec)", (ROOT / "README.md").read_text("utf-8"), flags=re.M)[1:]
TARGETS = {"wheels-38-32": ("3.8.10", "cp38", "win32"), "wheels-311-64": ("3.11.9", "cp311", "win_amd64")}
NEEDED = {"nationec", "pydantic", "pydantic_core", "typing_extensions", "annotated_types", "execnet", "pefile"}

PIP = tuple(map(int, pip.__version__.split(".")[:2]))

pytestmark = pytest.mark.skipif(
    sys.platform == "win32",
    reason="the wheels are collected on the machine with internet; tests/windows/offline installs them on Windows",
)
with_pip = pytest.mark.skipif(PIP < (22, 3), reason="this pip is older than the 22.3 that the README asks for")


def commands(half, folder):
    """What the README says to run on the machine with internet."""
    lines = [line for code in re.findall(r"^```sh\n(.*?)^```$", half, re.M | re.S) for line in code.splitlines()]
    return [line for line in lines if re.match("pip (wheel|download) ", line) and folder in line]


def the_index_can_be_reached(folder):
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--retries=0", "-d", folder, "typing_extensions"],
        capture_output=True,
        encoding="utf-8",
    )
    return not re.search("connection|timed out|name resolution|No matching distribution", asked.stderr, re.I)


@pytest.fixture(scope="module", params=TARGETS)
def collected(request, tmp_path_factory):
    """The target, and the wheels for it."""
    folder = request.param
    there = tmp_path_factory.mktemp("offline")
    # A copy: building may leave files behind, and another test run may be building too.
    copy = there / "nationec"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for command in commands(HALVES[0], folder):
        _, *arguments = shlex.split(command)
        done = subprocess.run(
            [sys.executable, "-m", "pip", *arguments], cwd=copy, env=environment, capture_output=True, encoding="utf-8"
        )
        if done.returncode and not the_index_can_be_reached(there / "probe"):
            pytest.skip("the package index cannot be reached from this machine")
        assert done.returncode == 0, done.stderr
    return (TARGETS[folder], sorted((copy / folder).iterdir()))


def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        return message_from_bytes(archive.read(name))


def test_both_halves_have_the_commands():
    for folder, (version, _, platform) in TARGETS.items():
        english, chinese = (commands(half, folder) for half in HALVES)
        assert english == chinese
        wheel, download = english
        assert download.startswith(f"pip download --only-binary=:all: --platform {platform} --python-version ")
        assert version.startswith(re.search(r"--python-version (\S+) ", download)[1] + ".")
        assert wheel.endswith(" .")
    for half in HALVES:
        installs = re.findall(
            r"^py -(\S+) -m pip install --no-index --find-links (\S+) \"nationec\[all\]\"$", half, re.M
        )
        assert installs == [("3.8-32", "wheels-38-32"), ("3.11", "wheels-311-64")]


@with_pip
def test_every_wheel_fits_its_python(collected):
    packaging = pytest.importorskip("packaging.specifiers", reason="packaging comes with pytest")
    (version, interpreter, platform), wheels = collected
    assert len({wheel.suffix for wheel in wheels}) == 1
    for wheel in wheels:
        *_, tags, abi, system = wheel.stem.split("-")
        assert (tags, abi, system) in [
            (interpreter, interpreter, platform),
            ("py3", "none", "any"),
            ("py2.py3", "none", "any"),
        ]
        assert version in packaging.SpecifierSet(metadata(wheel)["Requires-Python"] or "")


@with_pip
def test_everything_that_is_needed_is_there_once(collected):
    requirements = pytest.importorskip("packaging.requirements", reason="packaging comes with pytest")
    (version, *_), wheels = collected
    found = {wheel.name.split("-")[0].lower(): metadata(wheel) for wheel in wheels}
    assert len(found) == len(wheels)
    assert found.keys() >= NEEDED
    there = {
        "python_version": version.rpartition(".")[0],
        "python_full_version": version,
        "platform_system": "Windows",
        "sys_platform": "win32",
        "os_name": "nt",
        "platform_python_implementation": "CPython",
    }
    for name, told in found.items():
        for extra in ("isolated", "doctor", "all") if name == "nationec" else ("",):
            for text in told.get_all("Requires-Dist", []):
                needs = requirements.Requirement(text)
                if needs.marker is None or needs.marker.evaluate({**there, "extra": extra}):
                    other = found[re.sub("[-_.]+", "_", needs.name).lower()]
                    assert needs.specifier.contains(other["Version"], prereleases=True), (name, text)


@with_pip
@pytest.mark.parametrize("collected", ["wheels-38-32"], indirect=True)
def test_windows_7_has_every_function_that_the_wheels_for_3_8_import(collected):
    pefile = pytest.importorskip("pefile", reason="pefile, of the extra doctor, is not installed")
    _, wheels = collected
    modules = []
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            modules += [archive.read(name) for name in archive.namelist() if name.endswith((".pyd", ".dll"))]
    assert modules
    newer = {b"ProcessPrng", b"WaitOnAddress", b"WakeByAddressSingle", b"GetSystemTimePreciseAsFileTime"}
    for module in modules:
        image = pefile.PE(data=module)
        assert image.OPTIONAL_HEADER.MajorSubsystemVersion <= 6
        for imported in image.DIRECTORY_ENTRY_IMPORT:
            assert not imported.dll.startswith(b"api-ms-win-core-")
            assert not newer & {function.name for function in imported.imports}
