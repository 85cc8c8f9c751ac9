"""What is published, file by file, and how its modules depend on each other."""

import ast
import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"

ABOUT = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
TOP = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def files(folder):
    """The files below a folder of the project, by what they are called there."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(*arguments, path, cwd):
    more = {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    options = {"capture_output": True, "encoding": "utf-8", "env": {**os.environ, **more}}
    ran = subprocess.run([sys.executable, *arguments], cwd=cwd, timeout=300, **options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


MODULES = {
    name[: -len(".py")].replace("/", ".").replace(".__init__", ""): path
    for name, path in files(SRC).items()
    if name.endswith(".py")
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    pytest.importorskip("hatchling")
    to = tmp_path_factory.mktemp("dist")
    run("-m", "hatchling", "build", "-d", str(to), path=SRC, cwd=ROOT)
    return to


class TestWhatIsBuilt:
    def test_the_wheel_has_the_package_the_plugin_and_the_examples_as_they_are(self, built):
        with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
            wheel = {name: archive.read(name) for name in archive.namelist()}
        shipped = files(SRC)
        del shipped["ruff.toml"]  # for whoever works on it
        for name, path in files(ROOT / "examples").items():
            shipped[f"nationec/examples/{name}"] = path
        about = {name for name in wheel if ".dist-info/" in name}
        assert {name.split("/", 1)[1] for name in about} == ABOUT
        assert {name: wheel[name] for name in wheel.keys() - about} == {
            name: path.read_bytes() for name, path in shipped.items()
        }

    def test_the_wheel_works_alone(self, built, tmp_path):
        installed = tmp_path / "installed"
        with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
            archive.extractall(installed)
        alone = {"path": installed, "cwd": tmp_path}
        assert str(installed) in run("-c", "import nationec; print(nationec.__file__)", **alone)
        assert "张三" in run("-m", "nationec", "demo", **alone)
        assert "decode_qrcode.py" in run("-m", "nationec", "examples", "mine", **alone)

    def test_the_sdist_has_the_package_its_tests_and_examples_and_nothing_else(self, built):
        with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
            names = {each.name.partition("/")[2] for each in archive if each.isfile()}
        folders = ("src", "tests", "examples")
        shipped = {f"{folder}/{name}" for folder in folders for name in files(ROOT / folder)}
        assert names == shipped | TOP


def imports(module, path):
    """The names of what a module imports, also for type checkers only."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                yield submodule if submodule in MODULES else source


def test_no_module_imports_itself_through_others():
    left = {module: set(imports(module, path)) for module, path in MODULES.items()}
    while leaves := [module for module, needed in left.items() if not needed & set(left)]:
        for module in leaves:
            del left[module]
    assert not left
