"""What the README shows is what happens: its Python runs and prints what it says, its commands and names exist."""

import ast
import builtins
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import nationec
from nationec import call

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
HALVES = dict(zip(["English", "中文"], re.split(r"^(?=# nationec)", README, flags=re.M)[1:]))
ENGLISH = HALVES["English"]  # the Chinese half has the same commands, see the last test
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
half = pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)


def blocks(text, language):
    return [code for its, code in BLOCKS.findall(text) if its == language]


@half
def test_the_python_runs_and_prints_what_it_says(half, monkeypatch, capsys):
    monkeypatch.delenv("NATIONEC_DLL", raising=False)
    readme = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", readme)  # where pydantic looks for what a generic class names
    level = logging.getLogger("nationec").level
    try:
        for code in blocks(half, "python"):
            exec(compile(code, "README.md", "exec"), vars(readme))
            promised = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.M)
            assert capsys.readouterr().out.splitlines() == promised
    finally:
        logging.getLogger("nationec").setLevel(level)


@half
def test_the_two_commands_are_these(half):
    install, develop, *_ = blocks(half, "sh")
    assert install == "pip install . && nationec demo\n"
    assert develop == "pip install -e '.[dev]' && pytest\n"


def test_the_commands_exist():
    shown = set(re.findall(r"^(?:.*&& *)?nationec ([a-z]\w*)", "".join(blocks(ENGLISH, "sh")), re.M))
    assert shown
    for command in shown:
        subprocess.run([sys.executable, "-m", "nationec", command, "--help"], check=True, capture_output=True)


def test_the_python_command_lines_run():
    for line in "".join(blocks(ENGLISH, "sh")).splitlines():
        if line.startswith("python "):
            subprocess.run([sys.executable, *shlex.split(line)[1:]], check=True, capture_output=True)


def test_the_nationec_command_lines_run():
    ran = [
        line
        for line in "".join(blocks(ENGLISH, "sh")).splitlines()
        if re.search("^nationec .*(--simulate|--help|codes)", line)
    ]
    assert {line.split()[1] for line in ran} == {"call", "codes"}
    for line in ran:
        command = [sys.executable, "-m", "nationec", *shlex.split(line)[1:]]
        assert subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


@half
def test_the_links_within_it_lead_somewhere(half):
    headings = re.findall(r"^#+ (.*)$", BLOCKS.sub("", README), re.M)
    places = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]+)\)", half)
    assert links
    assert set(links) <= places


@half
def test_the_return_codes_are_as_the_standard_calls_them(half):
    rows = re.findall(r"^\| (-?\d{1,6}) \| ([^|]+) \| [^|]+ \|$", half, re.M)
    assert len(rows) == 10
    for code, label in rows:
        assert nationec.ReturnCode(int(code)).label == label


@half
def test_the_exit_codes_are_those_of_the_command(half):
    rows = re.findall(r"^\| (\d) \| [^|]+ \|$", half, re.M)
    assert [int(row) for row in rows] == sorted({0, 2, *call.EXIT_CODES.values()})


@half
def test_every_reason_of_a_load_error_is_in_the_table(half):
    reasons = set(re.findall(r"``(\w+(?:-\w+)+)``", nationec.DllLoadError.__doc__))
    assert len(reasons) == 6
    assert reasons == set(re.findall(r"^\| `(\w+(?:-\w+)+)` \| [^|]+ \|$", half, re.M))


@half
def test_the_changelog_begins_with_this_version(half):
    assert re.findall(r"^### (\d+\.\d+\.\d+)$", half, re.M)[0] == nationec.__version__


@half
def test_every_name_is_a_public_one(half):
    """In running text and tables; the code blocks import what they use."""
    spans = re.findall(r"`([^`\n]+)`", BLOCKS.sub("", half))
    names = {name for span in spans for name in re.findall(r"^[A-Z][a-z]+(?:[A-Z][a-z]+)*(?=$|[.(])", span)}
    names |= set(re.findall(r"^new_\w+", "\n".join(spans), re.M))
    assert {"Client", "EcQueryRequest", "DllLoadError", "new_out_biz_no"} < names
    assert names <= {*nationec.__all__, *dir(builtins), "InData", "OutData", "NationEcTrans", "Python"}


@half
def test_the_errors_are_all_in_the_table(half):
    errors = {name for name in nationec.__all__ if name.endswith("Error")} - {"NationEcError"}
    assert errors <= set(re.findall(r"^\| `(\w+)` \|", half, re.M))


@half
def test_the_transactions_are_all_in_the_table(half):
    rows = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \| `(\w+)` \| §5\.\d \|", half, re.M)
    assert len(rows) == 4
    for trans_type, request, response in rows:
        assert getattr(nationec, request).trans_type == trans_type
        assert getattr(nationec, request).response_type is getattr(nationec, response)


@half
def test_the_examples_are_all_there(half):
    assert sorted(re.findall(r"^- `examples/(\w+\.py)`", half, re.M)) == sorted(
        path.name for path in (ROOT / "examples").glob("*.py")
    )


def test_both_languages_have_the_same_outline():
    english, chinese = (re.findall(r"^(#+) |^```(\w+)$|^(\|) ?---|^(- |\d\. )", text, re.M) for text in HALVES.values())
    assert english == chinese


def test_both_languages_show_the_same_code():
    def but_for_comments_and_texts(its, code):
        return re.sub(r"value='.*?'", "", ast.dump(ast.parse(code))) if its == "python" else code

    english, chinese = (
        [but_for_comments_and_texts(*block) for block in BLOCKS.findall(text)] for text in HALVES.values()
    )
    assert english == chinese
