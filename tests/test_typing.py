"""What a type checker says of a call, without any plugin."""

import re
import subprocess
import sys

import pytest

SNIPPET = """
from nationec import AnyRequest, Client, EcAuthRequest, EcPwdRequest, EcQueryRequest, NationEcError
from nationec import Request, Response, Simulator

class CertGetResponse(Response):
    auth_no: str

class CertGetRequest(Request[CertGetResponse]):
    trans_type = "cn.nhsa.cert.get"
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
    reveal_type(client.call(CertGetRequest(operator_id="1"), extra={"x": 1}).auth_no)  # str
    reveal_type(client.call(face, extra="{}"))  # EcAuthResponse
    reveal_type(client.call(AnyRequest("cn.nhsa.cert.get", outBizNo="1")))  # Response
    reveal_type(client.exchange(query, extra=None).data)  # EcQueryResponse | None
    reveal_type(client.exchange(face).request.trans_type)  # str
    reveal_type(NationEcError().for_operator)  # str

EcQueryRequest(
    business_type="01101", operator_id="1", operator_name="n", office_id="1", office_name="f",
    photo_data=b"jpeg",
)
EcQueryRequest(operator_id="1")  # an error
client.call(EcQueryRequest)  # an error
client.call(CertGetRequest(operator_id="1"), extra=1)  # an error
"""
REVEALED = re.findall(r"reveal_type.*  # (.*)", SNIPPET)


@pytest.mark.parametrize(
    "checker",
    [["mypy", "--strict"], ["pyright", "--pythonpath", sys.executable]],
    ids=lambda checker: checker[0],
)
def test_a_call_is_inferred_as_the_response_of_its_request(checker, tmp_path):
    pytest.importorskip(checker[0], reason=f"{checker[0]} says the same on every system")
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET, encoding="utf-8")
    command = [sys.executable, "-m", *checker, str(path)]
    pipes = {"capture_output": True, "encoding": "utf-8"}
    done = subprocess.run(command, cwd=tmp_path, timeout=300, **pipes)
    revealed = re.findall(r'(?:Revealed type is|is) "([^"]+)"', done.stdout)
    plain = [re.sub(r"\b(nationec\.\w+|builtins)\.", "", name) for name in revealed]
    plain = [re.sub(r"Union\[(\w+), None\]", r"\1 | None", name) for name in plain]
    assert plain[: len(REVEALED)] == REVEALED, done
    wrong = set(re.findall(r"snippet\.py:(\d+):.*\berror:", done.stdout + done.stderr))
    lines = SNIPPET.splitlines()
    errors = {str(n) for n, line in enumerate(lines, 1) if line.endswith("# an error")}
    assert wrong == errors, done.stdout
