"""examples/audit_log.py: what a HIS keeps of a call, and what it must not."""

import importlib
import json
from contextlib import closing, suppress
from pathlib import Path

import pytest

from nationec import (
    AnyRequest,
    AuthCheckRequest,
    Client,
    DllCrashError,
    EcPwdRequest,
    NationEcError,
    QrcodeGetRequest,
)

from .conftest import COMMON, SCAN, in_threads

SECRETS = {
    "idNo": "110101198001019999",
    "userName": "欧阳无名",
    "ecToken": "TOKENTOKEN0123456789",
    "unlisted": "UNLISTEDVALUE",
    "extra": {"x": "EXTRAVALUE"},
}
SETTLE = AnyRequest("cn.nhsa.settle.it", outBizNo="X1", operatorName="TEST")


@pytest.fixture
def audit_log(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    return importlib.import_module("audit_log")


@pytest.fixture
def log(audit_log, tmp_path):
    with closing(audit_log.AuditLog(str(tmp_path / "audit.db"))) as log:
        yield log


@pytest.fixture
def client(log, simulator):
    with Client("http://h", "1234567", transport=simulator, on_exchange=log.record) as client:
        yield client


def test_one_row_a_call_says_what_when_by_whom_and_how_it_ended(client, log, caplog):
    client.call(SCAN)
    (row,) = log.rows()
    assert (row["trans_type"], row["out_biz_no"]) == ("cn.nhsa.qrcode.get", "N1")
    assert (row["operator_id"], row["operator_name"]) == ("008", "TEST")
    assert (row["outcome"], row["error"], row["code"]) == ("success", None, 0)
    assert (row["user_name"], row["id_no"]) == ("张*", "533222********0123")
    assert json.loads(row["sent"]).items() >= {"orgId": "1234567", "officeName": "内科"}.items()
    assert json.loads(row["received"])["userName"] == "张*"
    assert caplog.text == ""  # the hook raised nothing


def test_a_name_and_a_number_are_masked(audit_log):
    names = map(audit_log.masked_name, ("欧阳无名", "王", ""))
    assert list(names) == ["欧***", "*", "*"]
    numbers = ("53322219990909012X", "533222990909012", "E12345678", "123456")
    masked = ["533222********012X", "533222*****9012", "E******78", "******"]
    assert list(map(audit_log.masked_id_no, numbers)) == masked


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {**SECRETS, "idType": "01", "insuOrg": "430000", "authNo": "A", "pwdFlag": "1"}},
        {"data": SECRETS, "code": 500004},
        {"raw": json.dumps(SECRETS), "return_value": json.dumps(SECRETS)},
    ],
)
def test_the_file_names_no_patient(client, simulator, tmp_path, answer):
    person = {name: SECRETS[name] for name in ("idNo", "userName", "ecToken")}
    for request in (
        QrcodeGetRequest(**COMMON, photo_data=b"photo", ext_data=SECRETS),
        AuthCheckRequest(**COMMON, photo_data=b"photo", auth_no=SECRETS["ecToken"]),
        EcPwdRequest(**COMMON, **person, id_type="01", mdtrt_cert_type="01A"),
        AnyRequest("cn.example.own", **SECRETS, photoData=["photo"]),
    ):
        simulator.answer(**answer)
        with suppress(NationEcError):
            client.call(request, extra=SECRETS)
    content = b"".join(file.read_bytes() for file in tmp_path.glob("audit.db*"))
    for secret in (*SECRETS.values(), "EXTRAVALUE", "photo"):  # nor that there was a photo
        assert str(secret).encode() not in content
    assert "内科".encode() in content


def test_a_call_that_failed_is_to_look_up_only_if_it_may_have_charged(client, log, simulator):
    for request, answer, outcome in (
        (SCAN, {"code": 500316}, "failed"),
        (SETTLE, {"code": 500316}, "failed"),
        (SCAN, {"crash": True}, "closed"),
        (SETTLE, {"crash": True}, "unknown"),
    ):
        simulator.answer(**answer)
        with pytest.raises(NationEcError) as caught:
            client.call(request)
        row = log.rows()[-1]
        assert (row["outcome"], row["error"]) == (outcome, caught.type.__name__)
        assert (row["message"], row["code"]) == (str(caught.value), answer.get("code"))


def test_another_error_is_noted_without_its_text(client, log, simulator, mocker):
    for error, outcome in ((KeyboardInterrupt, "unknown"), (ValueError, "failed")):
        mocker.patch.object(simulator, "exchange", side_effect=error("SECRET"))
        with pytest.raises(error):
            client.call(SETTLE)
        row = log.rows()[-1]
        assert (row["outcome"], row["error"], row["message"]) == (outcome, error.__name__, None)


def test_settling_notes_once_who_looked_it_up(audit_log, client, log, simulator, tmp_path, capsys):
    def run(*arguments):
        status = audit_log.main([*arguments, "--db", str(tmp_path / "audit.db")])
        return status, capsys.readouterr().out

    simulator.answer(crash=True)
    with pytest.raises(DllCrashError):
        client.call(SETTLE)
    assert " X1 TEST " in run("--unknown")[1]
    assert run("--simulate")[1].endswith("待核对：1 笔\n")
    assert run("--settle", "X1", "closed", "李工")[0] == 1
    assert run("--settle", "X1", "failed", "李工") == (0, "已登记\n")
    assert run("--settle", "X1", "success", "another")[0] == 1
    assert run("--unknown") == (0, "")
    row = log.rows()[0]
    assert (row["outcome"], row["settled_by"], row["error"]) == ("failed", "李工", "DllCrashError")


def test_threads_share_one_client_and_one_log(client, log):
    def work(_):
        for _ in range(20):
            client.call(QrcodeGetRequest(**COMMON))

    in_threads(8, work)
    assert len({row["out_biz_no"] for row in log.rows("outcome = 'success'")}) == 160
