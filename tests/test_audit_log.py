"""examples/audit_log.py: what a HIS keeps of a call, and what it must not."""

import importlib
import json
import logging
import sqlite3
import threading
from pathlib import Path

import pytest

from nationec import (
    AuthCheckRequest,
    Client,
    DllLoadError,
    DllTimeoutError,
    EcPwdRequest,
    EcQueryRequest,
    QrcodeGetRequest,
    Simulator,
)

SECRETS = {
    "idNo": "110101198001019999",
    "userName": "欧阳无名",
    "ecToken": "TOKENTOKEN0123456789",
    "ecIndexNo": "INDEX0123456789",
    "birthday": "1980-01-01",
    "email": "nobody@example.invalid",
    "unlisted": "UNLISTEDVALUE",
    "extra": {"x": "EXTRAVALUE"},
}
PHOTO = b"\xff\xd8\xffphoto of the patient"
WINDOW = {
    "business_type": "01101",
    "operator_id": "008",
    "operator_name": "收款员甲",
    "office_id": "01",
    "office_name": "内科",
}


@pytest.fixture
def audit_log(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    return importlib.import_module("audit_log")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "audit.db")


@pytest.fixture
def log(audit_log, path):
    log = audit_log.AuditLog(path)
    yield log
    log.close()


@pytest.fixture
def client(log, simulator):
    with Client("http://h", "1234567", transport=simulator, on_exchange=log.record) as client:
        yield client


class Failing:
    """A transport that fails as it was told."""

    def __init__(self, error):
        self._error = error

    def exchange(self, url, in_data):
        raise self._error

    def close(self):
        pass


def kept(path):
    """All that is in the file, as bytes."""
    return b"".join(file.read_bytes() for file in Path(path).parent.glob("audit.db*"))


def test_one_row_a_call_says_what_when_by_whom_and_how_it_ended(client, log):
    client.call(QrcodeGetRequest(**WINDOW, out_biz_no="X1"))
    client.call(EcQueryRequest(**WINDOW))
    first, second = log.rows()
    assert {**first}.items() >= {
        "trans_type": "cn.nhsa.qrcode.get",
        "out_biz_no": "X1",
        "org_id": "1234567",
        "operator_id": "008",
        "operator_name": "收款员甲",
        "business_type": "01101",
        "outcome": "success",
        "return_value": "0000",
        "code": 0,
        "message": "处理成功",
        "user_name": "张*",
        "id_no": "533222********0123",
        "sent_sealed": None,
    }.items()
    assert first["started_at"].endswith("+00:00")
    assert json.loads(first["sent"])["outBizNo"] == "X1"
    assert json.loads(first["received"])["userName"] == "张*"
    assert (second["out_biz_no"], second["outcome"]) == (None, "success")


@pytest.mark.parametrize(
    ("name", "masked"), [("张三", "张*"), ("欧阳无名", "欧***"), ("王", "*"), ("", "*"), ("𠮷野家", "𠮷**")]
)
def test_a_masked_name(audit_log, name, masked):
    assert audit_log.masked_name(name) == masked


@pytest.mark.parametrize(
    ("id_no", "masked"),
    [
        ("533222199909090123", "533222********0123"),
        ("53322219990909012X", "533222********012X"),
        ("533222990909012", "533222*****9012"),
        ("E12345678", "E******78"),
        ("123456", "******"),
        ("", ""),
    ],
)
def test_a_masked_number(audit_log, id_no, masked):
    assert audit_log.masked_id_no(id_no) == masked


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {**SECRETS, "idType": "01", "insuOrg": "430000", "authNo": "A", "pwdFlag": "1"}},
        {"data": SECRETS, "code": 500004},
        {"raw": json.dumps(SECRETS, ensure_ascii=False)},
        {"raw": "", "return_value": json.dumps(SECRETS, ensure_ascii=False)},
        {"raw": json.dumps(SECRETS, ensure_ascii=False), "return_value": "-1"},
    ],
)
def test_the_file_names_no_patient(client, simulator, path, answer):
    person = {"id_no": SECRETS["idNo"], "id_type": "01", "user_name": SECRETS["userName"]}
    for request in (
        QrcodeGetRequest(**WINDOW, photo_data=PHOTO, ext_data=SECRETS),
        AuthCheckRequest(**WINDOW, photo_data=PHOTO, auth_no=SECRETS["ecToken"], extra=SECRETS["extra"]),
        EcPwdRequest(**WINDOW, **person, ec_token=SECRETS["ecToken"], mdtrt_cert_type="01A"),
    ):
        simulator.answer(**answer)
        try:
            client.call(request)
        except Exception as error:
            assert type(error).__module__ == "nationec.errors"
    content = kept(path)
    for secret in (*SECRETS.values(), "EXTRAVALUE", request.ec_token):
        assert str(secret).encode() not in content
    assert "收款员甲".encode() in content


class TestTheBytes:
    @pytest.fixture
    def sealed(self, audit_log, path):
        log = audit_log.AuditLog(path, seal=lambda raw: bytes(255 - byte for byte in raw))
        yield log
        log.close()

    def test_are_kept_where_there_is_something_to_encrypt_them_with(self, sealed, simulator):
        with Client("http://h", "1", transport=simulator, on_exchange=sealed.record) as client:
            exchange = client.exchange(EcQueryRequest(**WINDOW))
        (row,) = sealed.rows()
        assert bytes(255 - byte for byte in row["sent_sealed"]) == exchange.sent
        assert bytes(255 - byte for byte in row["received_sealed"]) == exchange.received

    def test_are_kept_without_the_photo(self, sealed, simulator):
        with Client("http://h", "1", transport=simulator, on_exchange=sealed.record) as client:
            simulator.answer(raw=b'{"code": 0, "data": {"photoData": "' + b"/9j/AAAA" + b'"}}')
            with pytest.raises(Exception, match="missing"):
                client.call(EcQueryRequest(**WINDOW, photo_data="/9j/AAAA"))
        (row,) = sealed.rows()
        for name in ("sent_sealed", "received_sealed"):
            raw = bytes(255 - byte for byte in row[name])
            assert b'"photoData":' in raw
            assert b"/9j/AAAA" not in raw

    def test_a_lost_key_loses_no_row(self, audit_log, path, simulator, caplog):
        log = audit_log.AuditLog(path, seal=lambda raw: raw.decode("ascii", "no such handler"))
        with Client("http://h", "1", transport=simulator, on_exchange=log.record) as client:
            assert client.call(EcQueryRequest(**WINDOW)).user_name == "张三"
        assert [(row["outcome"], row["sent_sealed"]) for row in log.rows()] == [("success", None)]
        assert "on_exchange raised LookupError" in caplog.text
        log.close()

    def test_fernet_fits(self, audit_log, path, simulator):
        fernet = pytest.importorskip("cryptography.fernet", reason="cryptography is not installed: it is one choice")
        key = fernet.Fernet(fernet.Fernet.generate_key())
        log = audit_log.AuditLog(path, seal=key.encrypt)
        with Client("http://h", "1", transport=simulator, on_exchange=log.record) as client:
            exchange = client.exchange(EcQueryRequest(**WINDOW))
        (row,) = log.rows()
        assert key.decrypt(row["received_sealed"]) == exchange.received
        log.close()


class TestReconciling:
    @pytest.mark.parametrize(
        ("error", "outcome", "to_settle"),
        [
            (DllTimeoutError("late"), "unknown", True),
            (KeyboardInterrupt(), "unknown", True),
            (DllLoadError("none"), "not-sent", False),
            (ValueError("closed"), "not-sent", False),
        ],
    )
    def test_what_a_call_that_raised_is_noted_as(self, log, error, outcome, to_settle):
        with Client("http://h", "1", transport=Failing(error), on_exchange=log.record) as client, pytest.raises(
            type(error)
        ):
            client.call(QrcodeGetRequest(**WINDOW))
        (row,) = log.rows()
        assert (row["outcome"], row["error"]) == (outcome, type(error).__name__)
        assert len(log.unknown()) == to_settle

    @pytest.mark.parametrize(
        ("answer", "outcome", "to_settle"),
        [
            ({"code": 500316}, "refused", False),
            ({"return_value": "-1"}, "failed", False),
            ({"raw": b"<html>"}, "unreadable", True),
            ({"raw": b"x" * 70_000}, "unknown", True),
        ],
    )
    def test_what_an_answer_is_noted_as(self, client, log, simulator, answer, outcome, to_settle):
        simulator.answer(**answer)
        with pytest.raises(Exception, match=r"cn\.nhsa\.qrcode\.get"):
            client.call(QrcodeGetRequest(**WINDOW))
        assert [row["outcome"] for row in log.rows()] == [outcome]
        assert len(log.unknown()) == to_settle

    def test_a_call_is_on_disk_before_it_is_sent(self, audit_log, log, path):
        request = log.opened(QrcodeGetRequest(**WINDOW), "1234567")
        with sqlite3.connect(path) as other:  # another process, after a power cut
            assert other.execute("SELECT out_biz_no, outcome FROM exchange").fetchall() == [
                (request.out_biz_no, "unknown")
            ]
        other.close()
        assert [row["out_biz_no"] for row in log.unknown()] == [request.out_biz_no]

    def test_the_row_that_was_opened_becomes_the_calls(self, client, log):
        request = log.opened(QrcodeGetRequest(**WINDOW), client.org_id)
        client.call(request)
        (row,) = log.rows()
        assert (row["out_biz_no"], row["outcome"]) == (request.out_biz_no, "success")
        query = EcQueryRequest(**WINDOW)
        assert log.opened(query, "1") is query  # it has no number

    def test_a_number_that_is_used_twice_makes_two_rows(self, client, log):
        request = log.opened(QrcodeGetRequest(**WINDOW, out_biz_no="X1"), client.org_id)
        client.call(request)
        with pytest.raises(Exception, match="outBizNo"):
            client.call(request)
        assert [(row["out_biz_no"], row["outcome"]) for row in log.rows()] == [("X1", "success"), ("X1", "refused")]

    def test_settling_notes_who_looked_it_up_once(self, log):
        with Client("http://h", "1", transport=Failing(DllTimeoutError("late")), on_exchange=log.record) as client:
            with pytest.raises(DllTimeoutError):
                client.call(QrcodeGetRequest(**WINDOW, out_biz_no="X1"))
            with pytest.raises(DllTimeoutError):
                client.call(EcQueryRequest(**WINDOW))  # nothing to look it up by
        assert [row["out_biz_no"] for row in log.unknown()] == ["X1"]
        assert log.settle("X1", "success", by="信息科李工")
        assert log.unknown() == []
        row = log.rows()[0]
        assert (row["outcome"], row["settled_by"], row["error"]) == ("success", "信息科李工", "DllTimeoutError")
        assert not log.settle("X1", "refused", by="another")
        assert not log.settle("no such", "refused", by="another")

    def test_from_the_command_line(self, audit_log, log, path, capsys):
        log.opened(QrcodeGetRequest(**WINDOW, out_biz_no="X1"), "1")
        assert audit_log.main(["--unknown", "--db", path]) == 0
        assert " X1 " in capsys.readouterr().out
        assert audit_log.main(["--settle", "X1", "not-sent", "--by", "李工", "--db", path]) == 0
        assert audit_log.main(["--settle", "X1", "not-sent", "--by", "李工", "--db", path]) == 1
        assert capsys.readouterr().out.splitlines() == ["已核对", "没有这笔待核对的交易"]
        with pytest.raises(SystemExit, match="2"):
            audit_log.main(["--settle", "X1", "--db", path])


def test_threads_share_one_log(log):
    def work():
        for _ in range(20):
            client.call(QrcodeGetRequest(**WINDOW))

    with Client("http://h", "1", transport=Simulator(), on_exchange=log.record) as client:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [row["outcome"] for row in log.rows()] == ["success"] * 160


def test_the_hook_raises_nothing(client, caplog):
    with caplog.at_level(logging.WARNING):
        client.call(EcQueryRequest(**WINDOW))
    assert caplog.text == ""
