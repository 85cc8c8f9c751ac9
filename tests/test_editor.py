"""What an editor shows where the mouse rests: asked of pyright's language server."""

import json
import shutil
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

import nationec
from nationec import codes

SNIPPET = """
from nationec import BusinessType, Client, EcQueryRequest, ReturnCode

request = EcQueryRequest(
    business_type=BusinessType.HOSPITAL_REGISTRATION,
    operator_id="008",
    operator_name="TEST",
    office_id="01",
    office_name="内科",
)
insured = Client("http://h", "1").call(request)
print(insured.user_name, request.operator_name, ReturnCode.EC_PASSWORD_WRONG)
"""
SHOWN = [
    ("EcQueryRequest(", "电子凭证二维码解码 (§5.3)"),
    ("operator_id=", "收款员编号"),
    ("insured.user_name", "参保人姓名"),
    ("request.operator_name", "收款员姓名"),
    ("BusinessType.HOSPITAL_REGISTRATION", "挂号"),
    ("ReturnCode.EC_PASSWORD_WRONG", "电子凭证密码错误"),
]


class Server:
    """The language server, asked one thing after the other (Language Server Protocol 3)."""

    def __init__(self, command):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([command, "--stdio"], stdin=pipe, stdout=pipe)
        self.number = 0

    def send(self, **message):
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw))
        self.process.stdin.flush()

    def receive(self):
        size = 0
        for line in iter(self.process.stdout.readline, b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(size))

    def ask(self, method, **params):
        self.number += 1
        self.send(id=self.number, method=method, params=params)
        while True:
            message = self.receive()
            if "method" not in message and message["id"] == self.number:
                return message["result"]
            if "id" in message:  # it asks, for its settings
                items = message.get("params", {}).get("items", [])
                settings = [{"pythonPath": sys.executable} for _ in items]
                self.send(id=message["id"], result=settings)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What is shown over a word of the snippet."""
    beside = Path(sys.executable).with_name("pyright-langserver")
    command = str(beside) if beside.exists() else shutil.which("pyright-langserver")
    if command is None:
        pytest.skip("pyright is not installed: what it says is the same on every system")
    folder = tmp_path_factory.mktemp("editor")
    file = folder / "snippet.py"
    file.write_text(SNIPPET, encoding="utf-8")
    document = {"uri": file.as_uri()}
    server = Server(command)
    server.ask(
        "initialize",
        processId=None,
        rootUri=folder.as_uri(),
        workspaceFolders=[{"uri": folder.as_uri(), "name": "editor"}],
        capabilities={
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["plaintext"]}},
        },
    )
    server.send(method="initialized", params={})
    opened = {**document, "languageId": "python", "version": 1, "text": SNIPPET}
    server.send(method="textDocument/didOpen", params={"textDocument": opened})

    def shown(word):
        before = SNIPPET[: SNIPPET.index(word) + word.rfind(".") + 1].split("\n")
        position = {"line": len(before) - 1, "character": len(before[-1]) + 1}
        hover = server.ask("textDocument/hover", textDocument=document, position=position)
        return hover["contents"]["value"]

    yield shown
    server.process.kill()
    server.process.communicate()


@pytest.mark.parametrize(("word", "text"), SHOWN, ids=[word for word, _ in SHOWN])
def test_an_editor_shows_the_chinese_name(shown, word, text):
    assert text in shown(word)
    assert "Create a new model" not in shown(word)


def test_the_text_beneath_each_code_is_its_label():
    source = Path(codes.__file__).read_text(encoding="utf-8")
    for table in vars(codes).values():
        if isinstance(table, type) and issubclass(table, Enum):
            _, _, rows = source.partition(f"class {table.__name__}(")
            for member in table:
                _, _, beneath = rows.partition(f"    {member.name} = ")
                assert beneath.split("\n")[1].strip() == f'"""{member.label}"""'


def test_the_packages_own_text_is_ten_lines_with_the_first_call():
    text = nationec.__doc__.strip().splitlines()
    assert len(text) <= 10
    assert any("client.call(EcQueryRequest(" in line for line in text)
