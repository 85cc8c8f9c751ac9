"""The main path, on the real call into the C stand-in; and the finer points of judging."""

import asyncio
import json
import logging
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from pydantic import field_validator

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    EcPwdRequest,
    EcQueryRequest,
    EcQueryResponse,
    NationEcError,
    ProtocolError,
    QrcodeGetRequest,
    Request,
    Response,
    ResponseFormatError,
    ReturnCode,
    Simulator,
)

EXAMPLE_REQUEST = {  # §5.3.5.1
    "data": {
        "operatorId": "008",
        "operatorName": "TEST",
        "officeId": "01",
        "officeName": "内科",
        "orgId": "1234567",
        "businessType": "01101",
        "deviceType": "",
    },
    "orgId": "1234567",
    "transType": "ec.query",
}
PATIENT = {"idNo": "1", "idType": "01", "userName": "n", "ecToken": "t", "insuOrg": "430000"}


def hexed(text, encoding="gb18030"):
    return (text if isinstance(text, bytes) else text.encode(encoding)).hex()


def answering(dll, answer, **options):
    """A client whose DLL answers these bytes, this text, or this value as JSON."""
    if not isinstance(answer, (bytes, str)):
        answer = json.dumps(answer, ensure_ascii=False)
    return dll("answer=" + hexed(answer), **options)


class TestTheStandardsExample:
    def test_request_reaches_the_dll_as_the_standards_json_in_gb18030(self, dll, query):
        with pytest.raises(ResponseFormatError) as caught:  # an echo is no answer
            dll("echo").call(query)
        arrived = caught.value.exchange.received
        assert json.loads(arrived.decode("gb18030")) == EXAMPLE_REQUEST
        assert "内科".encode("gb18030") in arrived

    def test_answer_comes_back_typed(self, dll, query):
        insured = dll().call(query)
        assert type(insured) is EcQueryResponse
        assert insured.user_name == "张三"
        assert insured.id_no == "533222199909090123"
        assert insured.ec_index_no is None

    def test_url_reaches_the_dll(self, dll, query):
        with pytest.raises(ResponseFormatError) as caught:
            dll("url").call(query)
        assert caught.value.exchange.received == b"http://127.0.0.1:8081/localcfc/api/hsecfc/url"


class TestTheReturnValueIsJudgedFirst:
    def test_text_of_return_value_and_out_data(self, dll, query):
        with pytest.raises(ProtocolError, match="网络不通.*ec.query") as caught:
            dll("return=" + hexed("网络不通")).call(query)
        assert (caught.value.return_value, caught.value.out_data) == ("网络不通", "")
        with pytest.raises(ProtocolError, match="-1.*连接超时") as caught:
            dll("refuse=" + hexed("连接超时")).call(query)
        assert (caught.value.return_value, caught.value.out_data) == ("-1", "连接超时")

    def test_null(self, dll, query):
        with pytest.raises(ProtocolError, match="NULL") as caught:
            dll("null").call(query)
        assert caught.value.return_value is None
        assert caught.value.exchange.return_value is None

    def test_0000_with_something_around_it_is_said_to_be_that(self, dll, query):
        for returned in ("0000\n", " 0000", '0000 {c"}', b'0000 {c"}\xd8'):
            with pytest.raises(ProtocolError, match="returned 0000 and more around it, not 0000"):
                dll("return=" + hexed(returned)).call(query)

    @pytest.mark.parametrize("returned", ["", "0", "00000", "0000 ", "1"])
    def test_only_0000_is_success(self, dll, query, returned):
        with pytest.raises(ProtocolError) as caught:
            dll("return=" + hexed(returned)).call(query)
        assert caught.value.exchange.return_value == returned.encode()

    def test_bytes_that_are_no_gb18030_are_shown_as_replacement_characters(self, dll, query):
        with pytest.raises(ProtocolError, match="\ufffd") as caught:
            dll("return=41ff").call(query)
        assert caught.value.exchange.return_value == b"A\xff"

    def test_json_in_its_place_is_not_shown_but_for_its_message(self, dll, query):
        leaky = json.dumps({"code": -1, "message": "机构错误", "data": PATIENT, "userName": "李四"}, ensure_ascii=False)
        with pytest.raises(ProtocolError, match="机构错误") as caught:
            dll("refuse=" + hexed(leaky)).call(query)
        assert "李四" not in str(caught.value)
        with pytest.raises(ProtocolError) as caught:
            dll("refuse=" + hexed(leaky[:-1])).call(query)
        assert "李四" not in str(caught.value)


class TestTheAnswerMustBeReadable:
    @pytest.mark.parametrize(
        ("answer", "fault"),
        [
            (b"", "OutData is empty"),
            (b" \r\n", "OutData is empty"),
            (b'{"code":0,"message":"\xff"}', "OutData is not gb18030"),
            ("服务异常", "OutData is not JSON"),
            ('{"code":0,"data":{"idNo":NaN}}', "OutData is not JSON"),
            ('{"code":1e99999999999999999999}', "OutData is not JSON|not an integer"),
            ("[" * 100, "OutData is not JSON"),
            ("[]", "not an object"),
            ("0", "not an object"),
            ({"data": PATIENT}, "no code"),
            ({"code": None, "data": PATIENT}, "no code"),
            ({"code": "abc", "data": PATIENT}, "code is not an integer"),
            ({"code": True, "data": PATIENT}, "code is not an integer"),
            ({"code": 0.5, "data": PATIENT}, "code is not an integer"),
            ({"code": [], "data": PATIENT}, "code is not an integer"),
            ({"code": 0}, "no data"),
            ({"code": 0, "data": None}, "no data"),
            ({"code": 0, "data": ""}, "no data"),
            ({"code": 0, "data": "null"}, "no data"),
            ({"code": 0, "data": [PATIENT]}, "data is not an object"),
            ({"code": 0, "data": 7}, "data is not an object"),
            ({"code": 0, "data": "garbage"}, "data is not an object"),
        ],
    )
    def test_the_fault_is_named(self, dll, query, answer, fault):
        with pytest.raises(ResponseFormatError, match=fault) as caught:
            answering(dll, answer).call(query)
        assert caught.value.trans_type == "ec.query"
        assert caught.value.exchange.data is None

    @pytest.mark.parametrize("answer", ['{"code":' + "9" * 5000 + "}", "[" * 10_000, '{"a":' * 10_000], ids=len)
    def test_the_fault_is_named_in_a_huge_answer(self, client, simulator, query, answer):
        simulator.answer(raw=answer)
        with pytest.raises(ResponseFormatError, match="OutData is not JSON|not an integer") as caught:
            client.call(query)
        assert caught.value.exchange.received == answer.encode()

    def test_missing_fields_are_named_and_values_are_not(self, dll, query):
        answer = {"code": 0, "data": {"idNo": "", "idType": "01", "userName": "null", "ecToken": ["secret"]}}
        with pytest.raises(
            ResponseFormatError, match="missing: idNo, userName, insuOrg; .*wrong kind: ecToken"
        ) as caught:
            answering(dll, answer).call(query)
        assert caught.value.missing == ("idNo", "userName", "insuOrg")
        assert caught.value.unreadable == ("ecToken",)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("code", ["0", 0, "0000", 0.0, " 0 "])
    def test_code_is_any_integer_or_digits(self, dll, query, code):
        assert answering(dll, {"code": code, "data": PATIENT}).call(query).user_name == "n"

    def test_data_and_extra_are_read_as_object_or_as_json_text(self, dll, query):
        text = json.dumps(PATIENT)
        for data in (PATIENT, text, json.dumps(text)):
            for extra in ({"a": 1}, '{"a": 1}'):
                client = answering(dll, {"code": 0, "data": data, "extra": extra, "orgId": 7})
                exchange = client.exchange(query)
                assert exchange.data.user_name == "n"
                assert exchange.envelope.extra == {"a": 1}
                assert exchange.envelope.org_id == "7"

    def test_raw_control_characters_white_space_and_a_bom_are_survived(self, dll, query):
        answer = (
            "\ufeff \n"
            + json.dumps({"code": 0, "data": {**PATIENT, "userName": "a\nb"}}).replace("\\n", "\n\x01")
            + "\r\n"
        )
        assert answering(dll, answer).call(query).user_name == "a\n\x01b"

    def test_a_long_number_keeps_its_digits(self, dll, query):
        answer = json.dumps({"code": 0, "data": PATIENT}).replace('"1"', "533222199909090123.10")
        assert answering(dll, answer).call(query).id_no == "533222199909090123.10"

    def test_a_response_of_ones_own_without_required_fields_needs_no_data(self, client, simulator):
        class NotifyResponse(Response):
            pass

        class NotifyRequest(Request[NotifyResponse]):
            trans_type = "cn.nhsa.settle.notify"

        simulator.answer()
        assert isinstance(client.call(NotifyRequest()), NotifyResponse)


class TestThePlatformsRefusal:
    def test_listed_code(self, dll, query):
        with pytest.raises(BusinessError, match="500004 密码错误.*ec.query") as caught:
            answering(dll, {"code": 500004, "message": "密码错误", "data": None}).call(query)
        assert (caught.value.code, caught.value.message) == (500004, "密码错误")
        assert caught.value.return_code is ReturnCode.EC_PASSWORD_WRONG

    def test_unlisted_code(self, dll, query):
        with pytest.raises(BusinessError) as caught:
            answering(dll, {"code": "999999", "cause": "别的"}).call(query)
        assert (caught.value.code, caught.value.message, caught.value.return_code) == (999999, "别的", None)

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ({"message": "甲", "cause": "乙"}, "甲"),
            ({"message": "", "cause": "乙"}, "乙"),
            ({"message": None}, "请求参数异常"),
            ({"message": ["甲"]}, '["甲"]'),
        ],
    )
    def test_message_else_cause_else_the_text_of_7_1(self, dll, query, words, message):
        with pytest.raises(BusinessError) as caught:
            answering(dll, {"code": -2, **words}).call(query)
        assert caught.value.message == message

    def test_what_to_do_is_as_the_platform_says_or_as_the_code_does(self, client, simulator, query):
        for code, advice in (
            (500079, "重置密码后手动解锁. Act on this"),
            (-3, "服务端请求超时. The outcome is unknown"),
            (77, "refused: 77. It says no more"),
        ):
            simulator.answer(code=code)
            with pytest.raises(BusinessError, match=advice):
                client.call(query)

    @pytest.mark.parametrize("raises", [KeyError, TypeError, ZeroDivisionError])
    def test_a_validator_of_ones_own_that_fails_loses_nothing_and_shows_nobody(self, client, simulator, raises):
        class Own(Response):
            id_no: str

            @field_validator("id_no")
            @classmethod
            def looked_up(cls, id_no):
                raise raises(id_no)

        class OwnRequest(Request[Own]):
            trans_type = "own"

        simulator.answer(data={"idNo": "533222199909090123"})
        with pytest.raises(ResponseFormatError, match=f"validator of Own raised {raises.__name__}") as caught:
            client.call(OwnRequest())
        assert "533222199909090123" not in f"{caught.value} {caught.value.__context__}"
        assert b"533222199909090123" in caught.value.exchange.received


class TestWhatIsSent:
    def sent(self, simulator):
        return simulator.requests[-1]

    def test_out_biz_no_is_made_or_taken(self, client, simulator, query):
        fields = query.model_dump(exclude={"device_type"})
        exchange = client.exchange(QrcodeGetRequest(**fields))
        assert self.sent(simulator)["data"]["outBizNo"] == exchange.out_biz_no == exchange.request.out_biz_no
        assert exchange.out_biz_no.endswith("1234567")
        client.call(QrcodeGetRequest(**fields, out_biz_no="MINE"))
        assert self.sent(simulator)["data"]["outBizNo"] == "MINE"

    def test_request_is_left_as_it_was(self, client, query):
        client.call(query)
        assert query.org_id is None

    def test_org_id_of_a_request_is_kept(self, client, simulator, query):
        client.call(EcQueryRequest(**{**query.model_dump(), "org_id": "7654321"}))
        assert self.sent(simulator)["orgId"] == self.sent(simulator)["data"]["orgId"] == "7654321"

    @pytest.mark.parametrize("data_format", ["object", "string"])
    def test_data_format(self, data_format, query):
        simulator = Simulator()
        simulator.answer("ec.query", data=PATIENT)
        client = Client("http://h", "1234567", transport=simulator, data_format=data_format)
        exchange = client.exchange(query.model_copy(update={"extra": {"版": [1, None]}}))
        message = json.loads(exchange.sent.decode("gb18030"))
        if data_format == "string":
            message["data"], message["extra"] = json.loads(message["data"]), json.loads(message["extra"])
        assert message == {**EXAMPLE_REQUEST, "extra": {"版": [1, None]}}

    def test_extra_as_text_goes_as_it_is(self, client, query):
        sent = client.exchange(query.model_copy(update={"extra": "{ }"})).sent
        assert json.loads(sent.decode("gb18030"))["extra"] == "{ }"

    def test_names_with_characters_of_the_2022_edition_go_as_two_bytes(self, dll, query):
        with pytest.raises(ResponseFormatError) as caught:
            dll("echo").call(query.model_copy(update={"operator_name": "龴\ue81e"}))
        assert b'"\xfe\x59\xfe\x59"' in caught.value.exchange.received

    def test_another_encoding(self, dll, query):
        with pytest.raises(ResponseFormatError) as caught:
            dll("echo", encoding="utf-8").call(query)
        assert json.loads(caught.value.exchange.received.decode("utf-8")) == EXAMPLE_REQUEST
        client = answering(
            dll, json.dumps({"code": 0, "data": {**PATIENT, "userName": "张"}}).encode(), encoding="utf-8"
        )
        assert client.call(query).user_name == "张"

    def test_a_character_that_the_encoding_lacks_is_refused_before_anything_is_sent(self, query):
        simulator = Simulator()
        client = Client("http://h", "1234567", transport=simulator, encoding="gbk")
        with pytest.raises(ValueError, match="gbk does not have") as caught:
            client.call(query.model_copy(update={"operator_name": "𠮷"}))
        assert "𠮷" not in str(caught.value)
        assert simulator.requests == []

    def test_what_is_no_request_is_refused(self, client):
        with pytest.raises(TypeError, match="no Request"):
            client.call({"transType": "ec.query"})

    def test_a_request_class_without_a_trans_type_is_refused(self, client, simulator):
        class Nameless(Request[Response]):
            pass

        class TooLong(Request[Response]):
            trans_type = "x" * 41

        for request in (Nameless(), TooLong()):
            with pytest.raises(TypeError, match="trans_type of 1 to 40"):
                client.call(request)
        assert simulator.requests == []

    def test_a_request_class_that_does_not_say_what_answers_it_is_refused(self, client, simulator):
        class Unsaid(Request):
            trans_type = "x"

        class NoModel(Request[dict]):  # type: ignore[type-var]
            trans_type = "x"

        class Unfinished(Response):
            id_no: "NotYet"  # noqa: F821

        class Later(Request[Unfinished]):
            trans_type = "x"

        for request in (Unsaid(), NoModel(), Later()):
            with pytest.raises(TypeError, match=r"Request\[ItsResponse\]"):
                client.call(request)
        assert simulator.requests == []

    def test_a_trans_type_that_is_a_field_is_in_the_head_alone(self, client, simulator):
        class Annotated(Request[Response]):
            trans_type: str = "x.y"

        simulator.answer(data={"a": "1"})
        client.call(Annotated())
        assert self.sent(simulator) == {"orgId": "1234567", "transType": "x.y", "data": {"orgId": "1234567"}}

    @pytest.mark.parametrize("photo", ['"', "\\", "\ud800", "长", "/9j/" * 5000])
    @pytest.mark.parametrize("data_format", ["object", "string"])
    def test_a_photo_arrives_whatever_it_was_changed_to(self, query, simulator, data_format, photo):
        simulator.answer("ec.query", data=PATIENT)
        client = Client("http://h", "1234567", transport=simulator, data_format=data_format)
        changed = query.model_copy(update={"photo_data": photo, "extra": {"版": 1}})
        if photo == "\ud800":
            with pytest.raises(ValueError, match="."):
                client.call(changed)
            assert simulator.requests == []
        else:
            client.call(changed)
            data = self.sent(simulator)["data"]
            assert (data["photoData"], data["officeName"]) == (photo, "内科")


class TestArguments:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"url": ""},
            {"url": "http://h\0"},
            {"url": "h" * 2049},
            {"org_id": ""},
            {"org_id": "1" * 41},
            {"data_format": "text"},
            {"dll": "x.dll"},
            {"url": "http://\ud800"},
            {"url": "http://h\n"},
            {"url": None},
            {"org_id": "1\n"},
            {"org_id": 35020319001},
        ],
    )
    def test_wrong_ones_raise_value_error(self, simulator, arguments):
        with pytest.raises(ValueError, match=r"."):
            Client(**{"url": "http://h", "org_id": "1", "transport": simulator, **arguments})

    @pytest.mark.parametrize("encoding", ["gb-unknown", "rot13", "utf-16", "utf-8-sig"])
    def test_an_encoding_that_no_dll_can_speak_is_refused(self, simulator, encoding):
        with pytest.raises(ValueError, match=f"{encoding}.*gb18030"):
            Client("http://h", "1", transport=simulator, encoding=encoding)

    def test_a_closed_client_says_so(self, client, query):
        client.close()
        with pytest.raises(ValueError, match="closed"):
            client.call(query)

    def test_a_closed_client_sends_nothing_whatever_its_transport_does(self, query):
        class Careless:
            def exchange(self, url, in_data):
                raise AssertionError

            def close(self):
                pass

        client = Client("http://h", "1", transport=Careless())
        client.close()
        with pytest.raises(ValueError, match="this client is closed"):
            client.call(query)

    def test_any_object_with_exchange_and_close_is_a_transport(self, query):
        class Canned:
            def exchange(self, url, in_data):
                return b"0000", json.dumps({"code": 0, "data": PATIENT}).encode()

            def close(self):
                pass

        with Client("http://h", "1", transport=Canned()) as client:
            assert client.call(query).user_name == "n"


class TestExchange:
    def test_has_all_of_the_call(self, dll, query):
        before = datetime.now(timezone.utc)
        exchange = dll().exchange(query)
        assert before <= exchange.started_at <= datetime.now(timezone.utc)
        assert timedelta(0) < timedelta(seconds=exchange.elapsed) < timedelta(seconds=5)
        assert json.loads(exchange.sent.decode("gb18030")) == EXAMPLE_REQUEST
        assert exchange.return_value == b"0000"
        assert exchange.received.startswith(b'{\n  "data"')
        assert (exchange.envelope.code, exchange.envelope.message) == (0, "处理成功")
        assert exchange.envelope.org_id is None
        assert exchange.request.org_id == "1234567"
        assert exchange.data.user_name == "张三"
        assert exchange.error is None

    def test_is_handed_to_the_hook_for_every_call(self, dll, query):
        seen = []
        exchange = dll(on_exchange=seen.append).exchange(query)
        with pytest.raises(ProtocolError) as caught:
            dll("null", on_exchange=seen.append).call(query)
        assert seen == [exchange, caught.value.exchange]
        assert seen[1].error is caught.value

    def test_a_hook_that_raises_is_logged_and_changes_nothing(self, dll, query, caplog):
        def hook(exchange):
            raise RuntimeError(exchange.data.user_name)

        assert dll(on_exchange=hook).call(query).user_name == "张三"
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "RuntimeError" in record.getMessage()
        assert "test_client.py" in record.getMessage()
        assert "张三" not in caplog.text

    def test_a_log_that_fails_loses_no_transaction(self, dll, query, monkeypatch):
        def broken(record):
            raise AttributeError("user")

        logger, seen = logging.getLogger("nationec"), []
        monkeypatch.setattr(logger, "filters", [broken])
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        assert dll(on_exchange=seen.append).call(query).user_name == "张三"
        assert [exchange.error for exchange in seen] == [None]
        assert dll(on_exchange=lambda exchange: 1 / 0).call(query).user_name == "张三"

    def test_line_ends_of_the_dll_make_no_log_lines(self, dll, query, caplog):
        caplog.set_level(logging.DEBUG, "nationec")
        with pytest.raises(ProtocolError):
            dll("return=" + hexed("a\nINFO all is well")).call(query)
        assert len(caplog.text.splitlines()) == 1

    def test_logs_one_debug_line_a_call(self, client, query, caplog):
        caplog.set_level(logging.DEBUG, "nationec")
        client.call(QrcodeGetRequest(**query.model_dump(exclude={"device_type"}), out_biz_no="N1"))
        (record,) = caplog.records
        assert record.name == "nationec"
        assert record.getMessage().startswith("cn.nhsa.qrcode.get outBizNo=N1 returned 0000 code=0 in ")


class TestThreads:
    def test_one_call_at_a_time_across_clients_and_threads(self, dll, query):
        clients = [dll("sleep=20") for _ in range(4)]
        answers = []
        threads = [threading.Thread(target=lambda c=c: answers.append(c.call(query))) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.user_name for answer in answers] == ["张三"] * 4

    def test_other_threads_run_during_a_call(self, dll, query):
        def call():
            dll("sleep=300").call(query)
            done.append(time.perf_counter())

        done = []
        thread = threading.Thread(target=call)
        thread.start()
        time.sleep(0.05)
        here = time.perf_counter()
        thread.join()
        assert here < done[0]

    def test_from_asyncio(self, dll, query):
        async def decode():
            return await asyncio.get_running_loop().run_in_executor(None, dll().call, query)

        assert asyncio.run(decode()).user_name == "张三"


class TestBuffers:
    def test_a_dll_that_writes_into_its_inputs_disturbs_nothing(self, dll, query):
        client = dll("inplace")
        for _ in range(3):
            exchange = client.exchange(query)
            assert exchange.data.user_name == "张三"
            assert json.loads(exchange.sent.decode("gb18030")) == EXAMPLE_REQUEST

    def test_an_answer_up_to_the_last_byte_is_received(self, dll, query):
        with pytest.raises(ResponseFormatError) as caught:
            dll("fill=65535").call(query)
        assert caught.value.exchange.received == b"x" * 65535

    @pytest.mark.parametrize(
        "mode", ["fill=2048", "fill=2049", "fill=60000", "unterminated=2049", "unterminated=50000"]
    )
    def test_writing_past_out_data_is_an_error_and_what_was_written_is_kept(self, dll, query, mode):
        with pytest.raises(
            DllCrashError, match="2,048 bytes of OutData.*out_buffer_size.*outcome is unknown"
        ) as caught:
            dll(mode, out_buffer_size=2048).call(query)
        assert caught.value.exchange.received.startswith(b"x" * 2048)
        assert dll(out_buffer_size=2048).call(query).user_name == "张三"

    def test_no_terminator_within_the_buffer(self, dll, query):
        with pytest.raises(ResponseFormatError) as caught:
            dll("unterminated=2048", out_buffer_size=2048).call(query)
        assert caught.value.exchange.received == b"x" * 2048

    def test_untouched_out_data_is_empty_whatever_came_before(self, standin, query):
        from nationec import DllTransport

        transport = DllTransport(standin)
        assert transport.exchange(b"/localQrCodeQuery", b"{}")[1]
        assert transport.exchange(b"/untouched", b"{}") == (b"0000", b"")


def test_a_request_that_nothing_was_answered_to_names_its_out_biz_no(client, simulator, query):
    simulator.answer(raw="")
    with pytest.raises(NationEcError, match="outBizNo 42") as caught:
        client.call(QrcodeGetRequest(**query.model_dump(exclude={"device_type"}), out_biz_no="42"))
    assert (caught.value.trans_type, caught.value.out_biz_no) == ("cn.nhsa.qrcode.get", "42")


def test_ec_pwd_request_goes_out_with_ext_data(client, simulator):
    request = EcPwdRequest(
        business_type=BusinessType.HOSPITAL_SETTLEMENT,
        operator_id="1",
        operator_name="o",
        office_id="1",
        office_name="f",
        id_no="1",
        id_type="01",
        user_name="n",
        mdtrt_cert_type="02A",
    )
    assert client.call(request).is_valid
    assert simulator.requests[0]["data"]["extData"] == {}
