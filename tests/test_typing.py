"""What a type checker says of a call, without any plugin."""

import re
import subprocess
import sys

import pytest

SNIPPET = """
from nationec import Client, EcPwdRequest, EcQueryRequest, Request, Response, Simulator

class EcAuthResponse(Response):
    auth_no: str

class EcAuthRequest(Request[EcAuthResponse]):
    trans_type = "cn.nhsa.ec.auth"
    operator_id: str

class ProvinceQuery(EcQueryRequest):
    gain_way: str

client = Client("http://h", "1", transport=Simulator())
def window(query: EcQueryRequest, password: EcPwdRequest, province: ProvinceQuery) -> None:
    reveal_type(client.call(query))
    reveal_type(client.call(password).is_valid)
    reveal_type(client.call(province))
    reveal_type(client.call(EcAuthRequest(operator_id="1")).auth_no)
    reveal_type(client.exchange(query).data)

EcQueryRequest(
    business_type="01101", operator_id="1", operator_name="n", office_id="1", office_name="f", photo_data=b"jpeg"
)
EcQueryRequest(operator_id="1")  # an error
"""
REVEALED = ["EcQueryResponse", "bool", "EcQueryResponse", "str", "EcQueryResponse | None"]


@pytest.mark.parametrize(
    "checker", [["mypy", "--strict"], ["pyright", "--pythonpath", sys.executable]], ids=lambda checker: checker[0]
)
def test_a_call_is_inferred_as_the_response_of_its_request(checker, tmp_path):
    pytest.importorskip(checker[0], reason=f"{checker[0]} is not installed: what it says is the same on every system")
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *checker, str(path)], capture_output=True, encoding="utf-8", cwd=tmp_path, timeout=300
    )
    revealed = re.findall(r'(?:Revealed type is|is) "([^"]+)"', done.stdout)
    plain = [re.sub(r"\bnationec\.transactions\.|\bbuiltins\.", "", name) for name in revealed]
    assert [re.sub(r"Union\[(\w+), None\]", r"\1 | None", name) for name in plain] == REVEALED, done
    wrong = {int(line) for line in re.findall(r"snippet\.py:(\d+):.*\berror:", done.stdout + done.stderr)}
    assert wrong == {len(SNIPPET.splitlines())}, done.stdout
