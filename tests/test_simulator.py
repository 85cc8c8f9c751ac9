"""The simulator: what it checks as the platform does, and what it can be told to answer."""

import json

import pytest

from nationec import AnyRequest, Client, NationEcError, ReturnCode
from nationec.transactions import TRANSACTIONS

from .conftest import FACE, FACE_SCREEN, ON_WIRE, PASSWORD, QUERY, SCAN

DEEP = b"[" * 100_000
PERSON = {"idNo": "1", "idType": "01", "userName": "n", "mdtrtCertType": "01A"}


def message(trans_type="ec.query", **data):
    data = {"orgId": "1", **ON_WIRE, **data}
    data = {name: value for name, value in data.items() if value is not None}
    return {"orgId": "1", "transType": trans_type, "data": data}


def answered(simulator, message):
    """The code and the text that answer a message, which is JSON or bytes."""
    raw = message if isinstance(message, bytes) else json.dumps(message).encode("gb18030")
    returned, received = simulator.exchange(b"http://h", raw)
    assert returned == b"0000"
    answer = json.loads(received.decode("gb18030"))
    return answer["code"], answer["message"]


def failure(client, told=None, request=QUERY):
    """The error, with this in its text, that the call raises."""
    with pytest.raises(NationEcError, match=told) as caught:
        client.call(request)
    return caught.value


class TestTheExample:
    def test_of_decoding_is_the_standards_patient_also_where_data_is_text(self, simulator):
        client = Client("http://h", "1", transport=simulator, data_format="string")
        for request in (QUERY, SCAN, FACE):
            insured = client.call(request)
            assert (insured.user_name, insured.id_no) == ("张三", "533222199909090123")
            assert (insured.extra, insured.gender) == (None, None)
        assert insured.auth_no == "A1"

    def test_of_the_others_has_what_was_asked(self, client):
        answer = client.call(PASSWORD)
        assert (answer.is_valid, answer.ec_token) == (True, "T")
        assert client.call(FACE_SCREEN).out_biz_no == "N3"


class TestItRefuses:
    @pytest.mark.parametrize(
        ("name", "whole"),
        [
            ("orgId", {"transType": "ec.query", "data": {"orgId": "1"}}),
            ("transType", {"orgId": "1", "data": {"orgId": "1"}}),
            ("data", {"orgId": "1", "transType": "ec.query"}),
            *((name, message(**{name: ""})) for name in ("orgId", *ON_WIRE)),
            *((name, message(**{name: None})) for name in ("orgId", *ON_WIRE)),
            ("extData", message("cn.nhsa.ec.pwd", **PERSON)),
            ("ec_token", message("cn.nhsa.ec.pwd", **PERSON, extData={})),
        ],
    )
    def test_a_missing_field_by_name(self, simulator, name, whole):
        code, text = answered(simulator, whole)
        assert (code, name in text) == (ReturnCode.INVALID_PARAMETER, True)

    @pytest.mark.parametrize("trans_type", ["cn.nhsa.qrcode.get", "cn.nhsa.ec.auth"])
    def test_a_missing_or_repeated_out_biz_no(self, simulator, trans_type):
        for number, code in ((None, -2), (["a"], -2), ("1", 0), ("1", -2)):
            assert answered(simulator, message(trans_type, outBizNo=number))[0] == code

    def test_two_different_org_ids(self, simulator):
        assert answered(simulator, message(orgId="2"))[0] == ReturnCode.ORG_ID_WRONG

    def test_python_names_but_no_field_that_a_province_adds(self, simulator):
        assert answered(simulator, message(gainWay="FACE")) == (0, "处理成功")
        assert answered(simulator, message(businessType=None, business_type="01101"))[0] == -2

    def test_no_transaction_that_has_a_class(self, simulator):
        for name in TRANSACTIONS:
            assert answered(simulator, message(name))[0] != ReturnCode.UNKNOWN_TRANSACTION, name

    def test_an_unknown_transaction_unless_it_is_told_of_it(self, client, simulator):
        request = AnyRequest("cn.example.own")
        assert failure(client, request=request).return_code is ReturnCode.UNKNOWN_TRANSACTION
        simulator.answer("cn.example.own", data={"authNo": "A7"})
        for _ in range(2):
            assert client.call(request).model_extra == {"authNo": "A7"}
            assert client.call(QUERY).user_name == "张三"

    def test_what_is_no_message(self, simulator):
        for raw in (b"", b"{", b"\xff", b"[]", b'"x"', b"7", DEEP, b'{"data":"%b"}' % DEEP):
            assert answered(simulator, raw)[0] == -2, raw[:9]


class TestToldWhatToAnswer:
    def test_it_answers_the_next_calls_in_order_and_no_other(self, client, simulator):
        simulator.answer(code=500004)
        simulator.answer(code=2)
        assert failure(client, "电子凭证密码错误").code == 500004
        assert failure(client).code == 2
        assert client.call(QUERY).user_name == "张三"

    def test_data_is_laid_over_the_example_and_none_takes_a_field_away(self, client, simulator):
        simulator.answer(data={"userName": "李四", "gender": "女", "insuType": "310"})
        insured = client.call(SCAN)
        assert (insured.user_name, insured.gender, insured.id_type) == ("李四", "女", "01")
        assert insured.model_extra == {"insuType": "310"}
        simulator.answer(data={"userName": None, "insuOrg": None})
        assert failure(client).missing == ("userName", "insuOrg")
        simulator.answer(code=500004, message="密码错误", data={"userName": "李四"})
        assert failure(client, "密码错误").exchange.envelope.data["userName"] == "李四"

    def test_a_response_is_all_of_the_data(self, client, simulator):
        changed = client.call(QUERY).model_copy(update={"user_name": "李四"})
        simulator.answer(data=changed)
        assert client.call(QUERY) == changed
        simulator.answer(data=["x"])
        failure(client, "data is not a JSON object")

    def test_the_return_value_and_all_of_out_data_are_as_told(self, client, simulator):
        for told, returned, received in (
            ({"return_value": "异常"}, "异常", ""),
            ({"return_value": None}, None, ""),
            ({"return_value": "-1", "raw": "超时"}, "-1", "超时"),
            ({"return_value": "-1", "raw": "超时".encode("gb18030")}, "-1", "超时"),
            ({"return_value": "-1", "message": "超时"}, "-1", "超时"),
        ):
            simulator.answer(**told)
            error = failure(client)
            assert (error.return_value, error.out_data) == (returned, received)

    def test_it_takes_its_time_but_no_longer_than_the_deadline(self, client, simulator):
        for timeout in (None, 60):
            simulator.timeout = timeout
            simulator.answer(delay=0.05)
            assert client.exchange(QUERY).elapsed >= 0.04
        simulator.timeout = 0.05
        simulator.answer(delay=3600)
        assert failure(client, "has not answered within 0.05 s").exchange.elapsed < 1
        assert len(simulator.requests) == 3


def test_it_shows_how_many_requests_it_had_and_says_when_it_is_closed(client, simulator):
    client.call(QUERY)
    assert repr(simulator) == "<Simulator, 1 requests>"
    simulator.close()
    with pytest.raises(ValueError, match="closed"):
        simulator.exchange(b"http://h", b"{}")
