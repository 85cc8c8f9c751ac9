"""For a hospital without internet: the wheels that are collected fit the hospital's Python."""

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
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "src" / "nationec" / "guide.md").read_text("utf-8")
TARGETS = {"3.8": ("3.8.10", "cp38", "win32"), "3.13": ("3.13.0", "cp313", "win_amd64")}
OPTIONS = {
    version: f"--platform {platform} --python-version {version}"
    for version, (_, _, platform) in TARGETS.items()
}
NEEDED = {"nationec", "pydantic", "pydantic_core", "typing_extensions", "annotated_types", "pefile"}

PIP = tuple(map(int, pip.__version__.split(".")[:2]))

pytestmark = pytest.mark.skipif(
    sys.platform == "win32",
    reason="the wheels are collected elsewhere; tests/windows/offline installs them on Windows",
)
with_pip = pytest.mark.skipif(PIP < (22, 3), reason="the README asks for pip 22.3")


def commands(text):
    """What is to be run on the machine with internet."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return next(block for block in blocks if "pip download" in block).splitlines()


def the_index_can_be_reached(folder):
    command = [
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--retries=0",
        "-d",
        folder,
        "typing_extensions",
    ]
    asked = subprocess.run([sys.executable, "-m", *command], capture_output=True, encoding="utf-8")
    failures = "connection|timed out|name resolution|No matching distribution"
    return not re.search(failures, asked.stderr, re.I)


@pytest.fixture(scope="module", params=TARGETS)
def collected(request, tmp_path_factory):
    """The target, and the wheels for it."""
    there = tmp_path_factory.mktemp("offline")
    # A copy: building may leave files behind, and another test run may be building too.
    copy = there / "nationec"
    for folder in ("src", "examples"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for command in commands(GUIDE):
        _, *arguments = shlex.split(command.replace(OPTIONS["3.8"], OPTIONS[request.param]))
        done = subprocess.run(
            [sys.executable, "-m", "pip", *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode and not the_index_can_be_reached(there / "probe"):
            pytest.skip("the package index cannot be reached from this machine")
        assert done.returncode == 0, done.stderr
    return (TARGETS[request.param], sorted((copy / "wheels").iterdir()))


def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [
            name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
        ]
        return message_from_bytes(archive.read(name))


def test_the_readme_and_the_guide_say_the_same():
    for text in (README, GUIDE):
        assert commands(text) == [
            "pip wheel --no-deps -w wheels .",
            f'pip download --only-binary=:all: {OPTIONS["3.8"]} -d wheels ".[all]"',
        ]
        assert r'pip install --no-index --find-links wheels "nationec[all]"' in text
        for option in re.findall(r"--\S+ \S+", OPTIONS["3.13"]):
            assert option in text


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
    requirements = pytest.importorskip(
        "packaging.requirements", reason="packaging comes with pytest"
    )
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
        for extra in ("doctor", "all") if name == "nationec" else ("",):
            for text in told.get_all("Requires-Dist", []):
                needs = requirements.Requirement(text)
                if needs.marker is None or needs.marker.evaluate({**there, "extra": extra}):
                    other = found[re.sub("[-_.]+", "_", needs.name).lower()]
                    assert needs.specifier.contains(other["Version"], prereleases=True), (
                        name,
                        text,
                    )


@with_pip
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
    newer = {b"ProcessPrng", b"WaitOnAddress", b"WakeByAddressSingle"}
    newer.add(b"GetSystemTimePreciseAsFileTime")
    for module in modules:
        image = pefile.PE(data=module)
        assert image.OPTIONAL_HEADER.MajorSubsystemVersion <= 6
        for imported in image.DIRECTORY_ENTRY_IMPORT:
            assert not imported.dll.startswith(b"api-ms-win-core-")
            assert not newer & {function.name for function in imported.imports}
