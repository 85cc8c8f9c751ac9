"""What an editor shows where the mouse rests: asked of pyright's language server."""

import inspect
import json
import os
import shutil
import subprocess
import sys

import pytest

import nationec

from .test_codes import ENUMS

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

    def __init__(self, path):
        command = shutil.which("pyright-langserver", path=path)
        if command is None:
            pytest.skip("pyright is not installed: what it says is the same on every system")
        environment = {**os.environ, "PATH": path}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([command, "--stdio"], env=environment, **pipes)

    def send(self, **message):
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw))
        self.process.stdin.flush()

    def receive(self):
        header = self.process.stdout.readline()
        self.process.stdout.readline()  # an empty one
        return json.loads(self.process.stdout.read(int(header.split(b":")[1])))

    def ask(self, method, **params):
        self.send(id=method, method=method, params=params)
        while True:
            message = self.receive()
            if message.get("id") == method:
                return message["result"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What is shown over a word of the snippet."""
    # Both the server and the Python that it asks are those of this environment.
    server = Server(os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    folder = tmp_path_factory.mktemp("editor").as_uri()
    plain = {"textDocument": {"hover": {"contentFormat": ["plaintext"]}}}
    server.ask("initialize", processId=None, rootUri=folder, capabilities=plain)
    server.send(method="initialized", params={})
    document = {"uri": f"{folder}/snippet.py"}
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
    for table in ENUMS:
        source = inspect.getsource(table)
        for member in table:
            _, _, beneath = source.partition(f"    {member.name} = ")
            assert beneath.split("\n")[1].strip() == f'"""{member.label}"""'


def test_the_packages_own_text_is_ten_lines_with_the_first_call():
    text = nationec.__doc__.strip().splitlines()
    assert len(text) <= 10
    assert any("client.call(EcQueryRequest(" in line for line in text)
