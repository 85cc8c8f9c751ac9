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

import nationec
from nationec.commands.guide import GUIDE
from nationec.commands.output import EXIT_CODES
from nationec.zh import CHINESE

ROOT = Path(__file__).parents[1]
TEXTS = {path.name: path.read_text("utf-8") for path in (ROOT / "README.md", GUIDE)}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = {name: FENCED.sub("", text) for name, text in TEXTS.items()}
BOTH = pytest.mark.parametrize("name", TEXTS)
INSTALLS = ("python3 -m venv ", "pip wheel ")


def blocks(wanted):
    """Each block of a language, the last ``json`` above it and the ``text`` that follows it."""
    parameters = []
    for name, text in TEXTS.items():
        found = list(FENCED.finditer(text))
        given = None
        for block, after in zip(found, [*found[1:], None]):
            language, code = block.groups()
            given = code if language == "json" else given
            promised = after[2] if after and after[1] == "text" else None
            if language == wanted and not code.startswith(INSTALLS):
                line = text.count("\n", 0, block.start()) + 1
                parameters.append(pytest.param(code, given, promised, id=f"{name}:{line}"))
    return parameters


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


def matches(promised, printed):
    pattern = re.escape(promised).replace(re.escape("…"), ".*")
    return re.fullmatch(pattern, printed, re.DOTALL)


@pytest.mark.parametrize(("code", "given", "promised"), blocks("python"))
def test_a_python_block_prints_what_it_says(code, given, promised, run, tmp_path):
    if "fastapi" in code:
        pytest.importorskip("fastapi")
    file = tmp_path / "test_block.py"
    file.write_text(code, "utf-8")
    if "def test_" in code:
        run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file.name)
        return
    told = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)
    expected = promised if not told and promised else "".join(f"{line}\n" for line in told)
    printed = run(sys.executable, file.name)
    assert matches(expected, printed), printed


@pytest.mark.skipif(not shutil.which("sh"), reason="a shell of Unix runs them")
@pytest.mark.parametrize(("code", "given", "promised"), blocks("sh"))
def test_a_shell_block_prints_what_it_says(code, given, promised, run, tmp_path):
    if given:
        (tmp_path / "request.json").write_text(given, "utf-8")
    printed = run("sh", "-e", "-c", code)
    assert promised is None or matches(promised, printed), printed


@pytest.mark.parametrize("command", ["nationec demo", r"pytest( .*)?"])
def test_a_command_of_the_first_screen_stands_alone_and_once(command):
    alone = rf"^```sh\npython3 -m venv .* {command}\n```$"
    assert len(re.findall(alone, TEXTS["README.md"], re.MULTILINE)) == 1


@BOTH
def test_a_link_leads_somewhere(name):
    headings = re.findall(r"^#+ (.*)$", PROSE[name], re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in headings]
    anchors = {"#" + heading.replace(" ", "-") for heading in plain}
    for link in re.findall(r"\]\(([^)]+)\)", PROSE[name]):
        assert link in anchors or (ROOT / link).is_file(), link


def test_a_chapter_that_is_named_exists():
    chapters = re.findall(r"^## (.*)$", PROSE["guide.md"], re.MULTILINE)
    named = re.findall(r"`nationec guide (\w+)`", "".join(PROSE.values()))
    named += re.findall(r"见“([^”]+)”", PROSE["guide.md"])
    assert named
    assert [word for word in named if not any(word in chapter for chapter in chapters)] == []


@BOTH
def test_an_exit_code_is_that_of_the_command(name):
    rows = re.findall(r"^\| ([^|]*) \| (\d) \|", PROSE[name], re.MULTILINE)
    told = {
        (kind, int(code)) for kinds, code in rows for kind in re.findall(r"`(\w+Error)`", kinds)
    }
    known = {(kind.__name__, code) for kind, code in EXIT_CODES.items()}
    assert told == {*known, ("ValidationError", 2), ("ValueError", 2)}


def test_every_reason_of_a_load_error_is_in_the_handbook():
    reasons = re.findall(r"``(\w+(?:-\w+)+)``", nationec.DllLoadError.__doc__)
    told = re.findall(r"^\| `(\w+(?:-\w+)+)` \|", PROSE["guide.md"], re.MULTILINE)
    assert sorted(reasons) == sorted(told)


def test_the_transactions_are_all_in_the_table():
    rows = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \| `(\w+)` \|", PROSE["README.md"], re.MULTILINE)
    for trans_type, request, response in rows:
        assert getattr(nationec, request).trans_type == trans_type
        assert getattr(nationec, request).response_type is getattr(nationec, response)
    typed = {name for name in nationec.__all__ if hasattr(getattr(nationec, name), "response_type")}
    assert {request for _, request, _ in rows} == typed - {"AnyRequest"}


@BOTH
def test_a_name_that_is_mentioned_is_a_public_one(name):
    names = set(re.findall(r"`([A-Z]\w*[a-z]\w*)(?=[`(.])", PROSE[name]))
    of_others = {"ValidationError", "ValueError", "None", "CreateNoWindow", "NationEcTrans"}
    of_others |= {"NationECCode", "NationEcCode"}  # files
    assert names - {*nationec.__all__, *of_others} == set()


@BOTH
def test_an_option_that_is_mentioned_exists(name):
    told = re.findall(r"`(?:nationec[^`]* )?(--[a-z][a-z-]+)", PROSE[name])
    told += re.findall(r"^nationec.*?(--[a-z][a-z-]+)", TEXTS[name], re.MULTILINE)
    sources = [*ROOT.glob("src/nationec/commands/*.py"), *ROOT.glob("examples/**/*.py")]
    known = "".join(path.read_text("utf-8") for path in sources)
    of_others = {"--platform", "--python-version", "--onefile"}
    for option in set(told) - of_others:
        assert f'"{option}"' in known or f'"{option[2:]}"' in known, option


def test_the_lines_of_doctor_are_called_as_it_calls_them():
    texts = "".join(TEXTS.values())
    samples = "".join(code for language, code in FENCED.findall(texts) if language == "text")
    lines = re.findall(r"^(正常|注意|失败) +(\S+) ", samples, re.MULTILINE)
    assert len(lines) > 10
    assert {label for _, label in lines} - {"Python", "DLL", "url"} <= set(CHINESE.values())


@BOTH
def test_no_line_ends_between_two_chinese_characters(name):
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]\n[\u3000-\u9fff\uff00-\uffef]", PROSE[name])
