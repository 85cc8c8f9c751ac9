import json
import os
import signal
import sys
import threading
import time

import pytest

from nationec import (
    AuthCheckRequest,
    BusinessError,
    Client,
    DllCrashError,
    DllTimeoutError,
    EcPwdRequest,
    EcQueryRequest,
    ProtocolError,
    QrcodeGetRequest,
    Request,
    Response,
    ResponseFormatError,
    ReturnCode,
    Simulator,
)

WINDOW = {
    "business_type": "01101",
    "operator_id": "008",
    "operator_name": "TEST",
    "office_id": "01",
    "office_name": "内科",
}


def refusal(simulator, message):
    """The code and message that a message, as JSON, is refused with."""
    returned, received = simulator.exchange(b"http://h", json.dumps(message).encode("gb18030"))
    assert returned == b"0000"
    answer = json.loads(received.decode("gb18030"))
    return answer["code"], answer["message"]


def message(trans_type="ec.query", **data):
    window = {"businessType": "01101", "operatorId": "1", "operatorName": "n", "officeId": "1", "officeName": "f"}
    return {"orgId": "1", "transType": trans_type, "data": {"orgId": "1", **window, **data}}


@pytest.mark.parametrize(
    "request_",
    [
        EcQueryRequest(**WINDOW),
        QrcodeGetRequest(**WINDOW),
        AuthCheckRequest(**WINDOW, auth_no="A1", photo_data=b"photo"),
    ],
    ids=lambda request: request.trans_type,
)
@pytest.mark.parametrize("data_format", ["object", "string"])
def test_decoding_answers_the_standards_patient(simulator, request_, data_format):
    insured = Client("http://h", "1", transport=simulator, data_format=data_format).call(request_)
    assert (insured.user_name, insured.id_no) == ("张三", "533222199909090123")
    assert getattr(insured, "auth_no", "A1") == "A1"


def test_password_check_answers_that_it_is_valid(client):
    request = EcPwdRequest(**WINDOW, id_no="1", id_type="01", user_name="n", ec_token="T", mdtrt_cert_type="01A")
    answer = client.call(request)
    assert answer.is_valid
    assert answer.ec_token == "T"


def test_requests_are_kept_decoded(client, simulator, query):
    client.call(query)
    (request,) = simulator.requests
    assert request["data"]["officeName"] == "内科"


class TestRefusals:
    @pytest.mark.parametrize("name", ["orgId", "transType", "data"])
    def test_missing_head_field(self, simulator, name):
        whole = message()
        del whole[name]
        code, text = refusal(simulator, whole)
        assert code == ReturnCode.INVALID_PARAMETER
        assert name in text

    @pytest.mark.parametrize("name", ["orgId", "businessType", "operatorId", "operatorName", "officeId", "officeName"])
    def test_missing_data_field(self, simulator, name):
        for value in ({}, {name: ""}):
            whole = message()
            del whole["data"][name]
            whole["data"].update(value)
            code, text = refusal(simulator, whole)
            assert code == ReturnCode.INVALID_PARAMETER
            assert name in text

    def test_missing_or_repeated_out_biz_no(self, simulator):
        assert refusal(simulator, message("cn.nhsa.qrcode.get"))[0] == -2
        assert refusal(simulator, message("cn.nhsa.qrcode.get", outBizNo="1"))[0] == 0
        assert refusal(simulator, message("cn.nhsa.qrcode.get", outBizNo="1"))[0] == -2

    def test_unknown_transaction(self, simulator):
        assert refusal(simulator, message("cn.nhsa.unknown"))[0] == ReturnCode.UNKNOWN_TRANSACTION

    def test_two_different_org_ids(self, simulator):
        assert refusal(simulator, message(orgId="2"))[0] == ReturnCode.ORG_ID_WRONG

    @pytest.mark.parametrize("in_data", [b"", b"{", b"\xff", b"[]", b'"x"', b"7"])
    def test_what_is_no_message(self, simulator, in_data):
        received = simulator.exchange(b"http://h", in_data)[1]
        assert json.loads(received.decode("gb18030"))["code"] == -2

    def test_a_provinces_extra_field_is_let_through(self, simulator):
        assert refusal(simulator, message(gainWay="FACE"))[0] == 0


class TestToldWhatToAnswer:
    def test_for_the_next_call_only(self, client, simulator, query):
        simulator.answer(code=500004)
        with pytest.raises(BusinessError, match="电子凭证密码错误"):
            client.call(query)
        assert client.call(query).user_name == "张三"

    def test_answers_for_the_next_calls_queue_up(self, client, simulator, query):
        for code in (1, 2):
            simulator.answer(code=code)
        for code in (1, 2):
            with pytest.raises(BusinessError) as caught:
                client.call(query)
            assert caught.value.code == code

    def test_for_a_trans_type(self, client, simulator, query):
        class EcAuthResponse(Response):
            auth_no: str

        class EcAuthRequest(Request[EcAuthResponse]):
            trans_type = "cn.nhsa.ec.auth"

        simulator.answer("cn.nhsa.ec.auth", data={"authNo": "A7"})
        for _ in range(2):
            assert client.call(EcAuthRequest()).auth_no == "A7"
            assert client.call(query).user_name == "张三"

    def test_the_return_value(self, client, simulator, query):
        for return_value in ("网络异常", None):
            simulator.answer(return_value=return_value)
            with pytest.raises(ProtocolError) as caught:
                client.call(query)
            assert caught.value.return_value == return_value

    def test_raw_bytes_or_text(self, client, simulator, query):
        for raw in ("不是", "不是".encode("gb18030")):
            simulator.answer(raw=raw)
            with pytest.raises(ResponseFormatError) as caught:
                client.call(query)
            assert caught.value.exchange.received == "不是".encode("gb18030")

    def test_an_answer_larger_than_its_memory_is_refused(self, simulator):
        with pytest.raises(ValueError, match="out_buffer_size"):
            simulator.answer(raw=b"x" * 200_000)
        Simulator(out_buffer_size=200_000).answer(raw=b"x" * 200_000)


def test_many_simulators_come_and_go(query):
    for _ in range(200):
        with Client("http://h", "1", transport=Simulator()) as client:
            client.call(query)


class TestADllThatIsSlowOrCrashes:
    def test_a_late_answer_is_a_timeout_when_the_deadline_comes(self, query):
        simulator = Simulator(timeout=0.05)
        client = Client("http://h", "1", transport=simulator)
        simulator.answer(delay=3600)
        started = time.monotonic()
        with pytest.raises(DllTimeoutError, match=r"outcome is unknown.*outBizNo X1") as caught:
            client.call(QrcodeGetRequest(**query.model_dump(exclude={"device_type"}), out_biz_no="X1"))
        assert time.monotonic() - started < 1
        assert (caught.value.out_biz_no, len(simulator.requests)) == ("X1", 1)
        assert (caught.value.exchange.return_value, caught.value.exchange.received) == (None, b"")
        assert client.call(query).user_name == "张三"

    @pytest.mark.parametrize("timeout", [None, 60])
    def test_an_answer_within_the_deadline_is_an_answer(self, query, timeout):
        simulator = Simulator(timeout=timeout)
        simulator.answer(code=500004, delay=0.05)
        started = time.monotonic()
        with pytest.raises(BusinessError):
            Client("http://h", "1", transport=simulator).call(query)
        assert time.monotonic() - started >= 0.04

    def test_a_crash_is_an_error_and_the_next_call_works(self, client, simulator, query):
        simulator.answer(crash=True)
        with pytest.raises(DllCrashError, match="outcome is unknown"):
            client.call(query)
        assert client.call(query).user_name == "张三"

    def test_an_error_goes_to_the_thread_whose_call_it_was(self, client, simulator, query):
        simulator.answer("cn.nhsa.qrcode.get", crash=True)
        outcomes = {"ec.query": set(), "cn.nhsa.qrcode.get": set()}

        def call(request):
            for _ in range(50):
                try:
                    outcome = client.call(request).user_name
                except DllCrashError as error:
                    outcome = error.trans_type
                outcomes[request.trans_type].add(outcome)

        scan = QrcodeGetRequest(**query.model_dump(exclude={"device_type"}))
        threads = [threading.Thread(target=call, args=(request,)) for request in (query, scan) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == {"ec.query": {"张三"}, "cn.nhsa.qrcode.get": {"cn.nhsa.qrcode.get"}}


def test_a_failed_return_value_has_no_out_data_unless_told(client, simulator):
    simulator.answer(return_value="网络不通")
    with pytest.raises(ProtocolError) as caught:
        client.call(EcQueryRequest(**WINDOW))
    assert (caught.value.return_value, caught.value.out_data) == ("网络不通", "")


def test_a_response_is_an_answer_too(client, simulator):
    insured = client.call(EcQueryRequest(**WINDOW))
    simulator.answer(data=insured.model_copy(update={"user_name": "李四"}))
    assert client.call(EcQueryRequest(**WINDOW)).user_name == "李四"


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b'{"data":"' + b"[" * 100_000 + b'","orgId":"1","transType":"x"}'], ids=["all", "data"]
)
def test_what_nests_too_deeply_is_refused(simulator, raw):
    returned, received = simulator.exchange(b"http://h", raw)
    assert (returned, json.loads(received.decode("gb18030"))["code"]) == (b"0000", -2)


def test_an_out_biz_no_that_is_no_text_is_refused(simulator):
    assert refusal(simulator, message("cn.nhsa.qrcode.get", outBizNo=["a"]))[0] == -2


def test_what_is_missing_is_named(simulator):
    patient = {"idNo": "1", "idType": "01", "userName": "n", "mdtrtCertType": "01A"}
    code, told = refusal(simulator, message("cn.nhsa.ec.pwd", **patient))
    assert (code, "ecToken" in told, "extData" in told) == (-2, True, True)


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a sleep on Windows")
def test_an_interrupt_in_the_simulator_is_raised(client, simulator):
    simulator.answer(delay=30)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        client.call(EcQueryRequest(**WINDOW))
    timer.join()
    assert client.call(EcQueryRequest(**WINDOW)).user_name == "张三"
