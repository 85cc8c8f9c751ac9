"""What README.md and the handbook show is what happens: each block runs alone, in a new process.

A ``python`` block is pasted into an empty file, and run by pytest where it has tests. A ``sh``
block runs in an empty folder, in which the ``json`` block above it is ``request.json``. What is
printed is the ``text`` block that follows, or the comments behind the ``print`` calls; ``…`` stands
for anything. ``NATIONEC_DLL`` is the C stand-in, for what needs a DLL. The commands that install
something are run word for word by .ci/run and tests/windows/offline; ``bat`` is for Windows, and
``csharp`` for .NET.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nationec import DllLoadError
from nationec.commands.guide import GUIDE
from nationec.commands.output import EXIT_CODES
from nationec.transports import process

ROOT = Path(__file__).parents[1]
TEXTS = {path.name: path.read_text("utf-8") for path in (ROOT / "README.md", GUIDE)}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = {name: FENCED.sub("", text) for name, text in TEXTS.items()}
BOTH = pytest.mark.parametrize("name", TEXTS)
INSTALLS = ("python3 -m venv ", "pip wheel ")
NEEDS_SHELL = pytest.mark.skipif(not shutil.which("sh"), reason="a shell of Unix runs them")


def blocks():
    """Each block with its language, the ``json`` above it and the ``text`` that follows it."""
    for name, text in TEXTS.items():
        found = list(FENCED.finditer(text))
        request = ""
        for block, after in zip(found, [*found[1:], None]):
            language, code = block.groups()
            request = code if language == "json" else request
            promised = after[2] if after and after[1] == "text" else None
            if language in ("python", "sh") and not code.startswith(INSTALLS):
                place = f"{name}:{text.count(chr(10), 0, block.start()) + 1}"
                marks = [NEEDS_SHELL] if language == "sh" else []
                yield pytest.param(language, code, request, promised, id=place, marks=marks)


@pytest.fixture
def run(tmp_path, monkeypatch, standin):
    for variable in [name for name in os.environ if name.startswith("NATIONEC_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("NATIONEC_DLL", str(standin))
    monkeypatch.setenv("NATIONEC_LANG", "zh")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)

    def run(*command):
        pipes = {"capture_output": True, "stdin": subprocess.DEVNULL}
        ran = subprocess.run(command, cwd=tmp_path, encoding="utf-8", timeout=120, **pipes)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return run


@pytest.mark.parametrize(("language", "code", "request_json", "promised"), list(blocks()))
def test_a_block_prints_what_it_says(language, code, request_json, promised, run, tmp_path):
    (tmp_path / "request.json").write_text(request_json, "utf-8")
    (tmp_path / "test_block.py").write_text(code, "utf-8")
    if language == "sh":
        printed = run("sh", "-e", "-c", code)
    elif "def test_" in code:
        printed = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    else:
        printed = run(sys.executable, "test_block.py")
        comments = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)
        promised = "".join(f"{line}\n" for line in comments) or promised or ""
    pattern = re.escape("…" if promised is None else promised).replace(re.escape("…"), ".*")
    assert re.fullmatch(pattern, printed, re.DOTALL), printed


@BOTH
def test_a_link_leads_somewhere(name):
    headings = re.findall(r"^#+ (.*)$", PROSE[name], re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in headings]
    anchors = {"#" + heading.replace(" ", "-") for heading in plain}
    for link in re.findall(r"\]\(([^)]+)\)", PROSE[name]):
        assert link in anchors or (ROOT / link).is_file(), link


@BOTH
def test_an_exit_code_is_that_of_the_command(name):
    rows = re.findall(r"^\| ([^|]*) \| (\d) \|", PROSE[name], re.MULTILINE)
    shown = {
        (kind, int(code)) for kinds, code in rows for kind in re.findall(r"`(\w+Error)`", kinds)
    }
    known = {(kind.__name__, code) for kind, code in EXIT_CODES.items()}
    assert shown == {*known, ("ValidationError", 2), ("ValueError", 2)}


def test_every_reason_of_a_load_error_is_in_the_handbook():
    reasons = re.findall(r"``(\w+(?:-\w+)+)``", DllLoadError.__doc__)
    shown = re.findall(r"^\| `(\w+(?:-\w+)+)` \|", PROSE["guide.md"], re.MULTILINE)
    assert sorted(reasons) == sorted(shown)


def test_the_handbook_names_what_a_packed_program_needs():
    assert all(f"`{name}.py`" in PROSE["guide.md"] for name in process._SENT)
