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
    reveal_type(client.call(query))
    reveal_type(client.call(password).is_valid)
    reveal_type(client.call(province))
    reveal_type(client.call(CertGetRequest(operator_id="1"), extra={"x": 1}).auth_no)
    reveal_type(client.call(face, extra="{}"))
    reveal_type(client.call(AnyRequest("cn.nhsa.cert.get", outBizNo="1")))
    reveal_type(client.exchange(query, extra=None).data)
    reveal_type(client.exchange(face).request.trans_type)
    reveal_type(NationEcError().for_operator)

EcQueryRequest(
    business_type="01101", operator_id="1", operator_name="n", office_id="1", office_name="f",
    photo_data=b"jpeg",
)
EcQueryRequest(operator_id="1")  # an error
client.call(EcQueryRequest)  # an error
client.call(CertGetRequest(operator_id="1"), extra=1)  # an error
"""
REVEALED = [
    "EcQueryResponse",
    "bool",
    "EcQueryResponse",
    "str",
    "EcAuthResponse",
    "Response",
    "EcQueryResponse | None",
    "str",
    "str",
]


@pytest.mark.parametrize(
    "checker",
    [["mypy", "--strict"], ["pyright", "--pythonpath", sys.executable]],
    ids=lambda checker: checker[0],
)
def test_a_call_is_inferred_as_the_response_of_its_request(checker, tmp_path):
    pytest.importorskip(checker[0], reason=f"{checker[0]} says the same on every system")
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *checker, str(path)],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        timeout=300,
    )
    revealed = re.findall(r'(?:Revealed type is|is) "([^"]+)"', done.stdout)
    plain = [re.sub(r"\b(nationec\.\w+|builtins)\.", "", name) for name in revealed]
    plain = [re.sub(r"Union\[(\w+), None\]", r"\1 | None", name) for name in plain]
    assert plain[: len(REVEALED)] == REVEALED, done
    wrong = set(re.findall(r"snippet\.py:(\d+):.*\berror:", done.stdout + done.stderr))
    lines = SNIPPET.splitlines()
    errors = {str(n) for n, line in enumerate(lines, 1) if line.endswith("# an error")}
    assert wrong == errors, done.stdout
