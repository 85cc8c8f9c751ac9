"""What is published: the wheel and the sdist, file by file, and that either can be worked with alone."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    find_spec("hatchling") is None or not (ROOT / "pyproject.toml").exists(),
    reason="needs hatchling, and the project's own folder",
)

MODULES = {
    "__init__.py",
    "__main__.py",
    "biz_no.py",
    "call.py",
    "cli.py",
    "client.py",
    "codes.py",
    "demo.py",
    "doctor.py",
    "errors.py",
    "gb18030.py",
    "pe.py",
    "public.py",
    "py.typed",
    "pytest_plugin.py",
    "reading.py",
    "transactions.py",
    "transports/__init__.py",
    "transports/base.py",
    "transports/binding.py",
    "transports/dll.py",
    "transports/isolated.py",
    "transports/simulator.py",
}
ABOUT = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
TOP = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
# What tests and examples are made of. Under windows/ are scripts without a suffix.
KINDS = {".py", ".c", ".txt", ".md", ".html", ".json", ".toml"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    to = tmp_path_factory.mktemp("dist")
    ran = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(to)], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return to


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def unpacked(built, tmp_path_factory):
    """The sdist, in a folder of its own."""
    (path,) = built.glob("*.tar.gz")
    to = tmp_path_factory.mktemp("sdist")
    with tarfile.open(path) as archive:
        assert all(member.isfile() for member in archive), "no links, no devices"
        archive.extractall(to, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (folder,) = to.iterdir()
    return folder


def run(*arguments, path, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NATIONEC", "PYTEST"))}
    environment.update(PYTHONPATH=str(path), PYTHONDONTWRITEBYTECODE="1", PYTHONIOENCODING="utf-8")
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_wheel_has_the_package_and_nothing_else(wheel):
    (about,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert sorted(wheel.namelist()) == sorted(
        [f"nationec/{name}" for name in MODULES] + [f"{about}/{name}" for name in ABOUT]
    )
    assert wheel.testzip() is None


def test_every_file_is_as_it_is_in_the_project(wheel, unpacked):
    for name in MODULES:
        assert wheel.read(f"nationec/{name}") == (ROOT / "src" / "nationec" / name).read_bytes()
    for path in unpacked.rglob("*"):
        relative = path.relative_to(unpacked)
        if path.is_file() and relative.name != "PKG-INFO":
            assert path.read_bytes() == (ROOT / relative).read_bytes()


def test_the_sdist_has_the_package_its_tests_and_examples_and_nothing_else(unpacked):
    names = {PurePosixPath(path.relative_to(unpacked).as_posix()) for path in unpacked.rglob("*") if path.is_file()}
    others = {str(name) for name in names if name.parts[0] not in ("tests", "examples")}
    assert others == {*TOP, *(f"src/nationec/{name}" for name in MODULES)}
    strange = {
        str(name)
        for name in names - {PurePosixPath(name) for name in others}
        if name.suffix not in KINDS and name.parts[:2] != ("tests", "windows")
    }
    assert strange == set()
    assert {"tests/native/standin.c", "tests/standard/7.1.txt", "tests/conftest.py"} <= set(map(str, names))


def test_nothing_that_was_made_by_running_is_in_either(wheel, unpacked):
    for name in (*wheel.namelist(), *(path.as_posix() for path in unpacked.rglob("*"))):
        for made in ("__pycache__", ".pyc", ".lab", ".tox", ".hypothesis", ".so", ".dll", ".git/", ".xml", ".log"):
            assert not name.endswith(made)
            assert f"{made}/" not in name


def test_the_metadata_says_what_it_needs(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    about = message_from_string(wheel.read(name).decode())
    assert (about["Name"], about["License-Expression"], about["Requires-Python"]) == ("nationec", "MIT", ">=3.8")
    needed = [need for need in about.get_all("Requires-Dist") if "extra ==" not in need]
    assert needed == ["pydantic>=2.10"]
    assert set(about.get_all("Provides-Extra")) == {"isolated", "doctor", "all", "dev"}
    assert "医保电子凭证" in about.get_payload()


def test_the_wheel_works_alone(wheel, tmp_path):
    wheel.extractall(tmp_path)
    said = run("-c", "import nationec; print(nationec.__file__)", path=tmp_path, cwd=tmp_path)
    assert Path(said.strip()).parent == tmp_path / "nationec"
    assert "张三" in run("-m", "nationec", "demo", path=tmp_path, cwd=tmp_path)


def test_the_sdist_can_be_built_again_into_the_same_wheel(wheel, unpacked, tmp_path):
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), path=unpacked / "src", cwd=unpacked)
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as again:
        assert {name: again.read(name) for name in again.namelist()} == {
            name: wheel.read(name) for name in wheel.namelist()
        }


def test_the_sdist_has_tests_that_are_found_and_pass(unpacked):
    found = run("-m", "pytest", "--collect-only", "-q", path=unpacked / "src", cwd=unpacked)
    assert "error" not in found.splitlines()[-1]
    some = ["tests/test_codes.py", "tests/test_client.py", "tests/test_simulator.py"]
    assert " passed" in run("-m", "pytest", *some, path=unpacked / "src", cwd=unpacked)


def test_each_module_can_be_imported_first():
    program = """
import importlib, pkgutil, sys
import nationec
names = {module.name for module in pkgutil.walk_packages(nationec.__path__, "nationec.")} - {"nationec.__main__"}
for name in names:
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "nationec"]:
        del sys.modules[loaded]
    importlib.import_module(name)
print(len(names))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    assert int(done.stdout) > 15
