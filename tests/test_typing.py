"""What a type checker and an editor know of a call, without any plugin."""

import inspect
import re
import subprocess
import sys

import pytest

from .test_codes import ENUMS

SNIPPET = """
from nationec import AnyRequest, Client, EcAuthRequest, EcPwdRequest, EcQueryRequest
from nationec import Request, Response, Simulator

class OwnResponse(Response):
    auth_no: str

class OwnRequest(Request[OwnResponse]):
    trans_type = "cn.example.own"
    operator_id: str

class ProvinceQuery(EcQueryRequest):
    gain_way: str

client = Client("http://h", "1", transport=Simulator())
def window(
    query: EcQueryRequest, password: EcPwdRequest, province: ProvinceQuery, face: EcAuthRequest
) -> None:
    reveal_type(client.call(query))  # EcQueryResponse
    reveal_type(client.call(password).is_valid)  # bool
    reveal_type(client.call(province))  # EcQueryResponse
    reveal_type(client.call(OwnRequest(operator_id="1"), extra={"x": 1}).auth_no)  # str
    reveal_type(client.call(face, extra="{}"))  # EcAuthResponse
    reveal_type(client.call(AnyRequest("cn.example.own", outBizNo="1")))  # Response
    reveal_type(client.exchange(query, extra=None).data)  # EcQueryResponse | None

EcQueryRequest(
    business_type="01101", operator_id="1", operator_name="n", office_id="1", office_name="f",
    photo_data=b"jpeg",
)
EcQueryRequest(operator_id="1")  # an error
client.call(EcQueryRequest)  # an error
client.call(OwnRequest(operator_id="1"), extra=1)  # an error
"""


def test_a_call_is_inferred_as_the_response_of_its_request(tmp_path):
    pytest.importorskip("mypy", reason="mypy says the same on every system")
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", str(path)]
    pipes = {"capture_output": True, "encoding": "utf-8"}
    output = subprocess.run(command, cwd=tmp_path, timeout=300, **pipes).stdout
    revealed = re.findall(r'Revealed type is "([^"]+)"', output)
    plain = [re.sub(r"\b(nationec\.\w+|builtins)\.", "", name) for name in revealed]
    plain = [re.sub(r"Union\[(\w+), None\]", r"\1 | None", name) for name in plain]
    assert plain == re.findall(r"reveal_type.*  # (.*)", SNIPPET), output
    wrong = set(map(int, re.findall(r"snippet\.py:(\d+):.*\berror:", output)))
    lines = enumerate(SNIPPET.splitlines(), 1)
    assert wrong == {number for number, line in lines if line.endswith("# an error")}, output


def test_an_editor_shows_each_codes_label():
    for table in ENUMS:
        source = inspect.getsource(table)
        for member in table:
            _, _, beneath = source.partition(f"    {member.name} = ")
            assert beneath.split("\n")[1].strip() == f'"""{member.label}"""'
