"""What a client does with a call: judge, fill in, report; and what it refuses."""

import json
import logging
import re
from contextlib import suppress
from datetime import datetime, timezone

import pytest
from pydantic.alias_generators import to_camel

from nationec import (
    Client,
    DllTransport,
    EcPwdRequest,
    EcQueryRequest,
    IsolatedDll,
    NationEcError,
    QrcodeGetRequest,
    Request,
    Response,
    Simulator,
)

from .conftest import COMMON, INSURED, ON_WIRE, SCAN, URL


class TestFillingIn:
    def test_makes_an_out_biz_no_unless_one_is_given(self, client, simulator):
        request = QrcodeGetRequest(**COMMON)
        exchange = client.exchange(request)
        number = simulator.requests[0]["data"]["outBizNo"]
        assert number == exchange.out_biz_no == exchange.request.out_biz_no
        assert number.endswith("1234567")
        assert (request.org_id, request.out_biz_no) == (None, None)  # it is as it was
        assert client.exchange(SCAN).out_biz_no == "N1"
        assert simulator.requests[1]["data"]["outBizNo"] == "N1"

    def test_warns_of_nothing_about_a_request_that_was_changed(self, client, query):
        changed = query.model_copy(update={"operator_name": ["李四"], "photo_data": 5})
        with pytest.raises(NationEcError) as caught:  # and filterwarnings is "error"
            client.call(changed)
        assert "李四" not in str(caught.value)

    def test_sends_what_may_be_a_slip_and_says_so(self, client, simulator, caplog):
        slips = {
            "business_type": ("1101", "business_type=1101 is not listed, 01101 ("),
            "office_name": ("??", "office_name has a question mark"),
            "id_type": ("1", "id_type=1 is not listed, 01 ("),
            "mdtrt_cert_type": ("2A", "mdtrt_cert_type=2A is not listed, 02A ("),
        }
        given = {name: value for name, (value, _) in slips.items()}
        client.call(EcPwdRequest(**{**COMMON, **INSURED, **given}))
        (sent,) = simulator.requests
        assert len(caplog.records) == len(slips)
        for name, (value, told) in slips.items():
            assert sent["data"][to_camel(name)] == value
            assert told in caplog.text
        assert {record.name for record in caplog.records} == {"nationec.request"}

    def test_leaves_out_the_blanks_that_a_database_adds(self, simulator):
        client = Client(" http://h ", "1234567   ", transport=simulator)
        client.call(EcQueryRequest(**{name: value.ljust(40) for name, value in COMMON.items()}))
        assert client.url == "http://h"
        assert simulator.requests[0]["data"] == {"orgId": "1234567", **ON_WIRE}


class TestRefusals:
    def test_of_what_is_no_request_that_can_be_sent(self, client, simulator):
        class Nameless(Request[Response]):
            pass

        class TooLong(Request[Response]):
            trans_type = "x" * 41

        class Unsaid(Request):
            trans_type = "x"

        class Unfinished(Response):
            id_no: "NotYet"  # noqa: F821

        class Later(Request[Unfinished]):
            trans_type = "x"

        for request, told in (
            ({"transType": "ec.query"}, r"a dict is not a request.*EcQueryRequest\(\.\.\.\)"),
            (EcQueryRequest, r"give EcQueryRequest\(\.\.\.\), not the class"),
            (Nameless(), "Nameless needs a trans_type of 1 to 40"),
            (TooLong(), "TooLong needs a trans_type of 1 to 40"),
            (Unsaid(), r"class Unsaid\(Request\[ItsResponse\]\)"),
            (Later(), r"class Later\(Request\[ItsResponse\]\)"),
        ):
            with pytest.raises(TypeError, match=told):
                client.call(request)
        assert simulator.requests == []

    @pytest.mark.parametrize(
        ("setting", "values", "told"),
        [
            (
                "url",
                ["", "http://h\0", "http://h\n", "http://\u3000", "http://\ud800", None],
                "url must be text",
            ),
            ("url", ["http://" + "h" * 2042], "url must be text of 1 to 2048"),
            ("url", ["127.0.0.1:8081/x", "ftp://h"], "must begin with http:// or https://"),
            ("org_id", ["", "1" * 41, "1\n", 35020319001], "org_id must be text of 1 to 40"),
            ("data_format", ["text"], 'data_format is "object" or "string"'),
            ("dll", ["x.dll"], "give no dll, python or timeout with it"),
            ("python", ["python"], "give no dll, python or timeout with it"),
            ("timeout", [5], "give no dll, python or timeout with it"),
            ("out_buffer_size", [4096], "and no out_buffer_size"),
        ],
    )
    def test_of_arguments_that_cannot_be_right(self, simulator, setting, values, told):
        right = {"url": "http://h", "org_id": "1", "transport": simulator}
        for value in values:
            with pytest.raises(ValueError, match=told):
                Client(**{**right, setting: value})
        Client(**{**right, "url": "HTTPS://h/x"})

    def test_of_a_call_after_it_was_closed(self, client, query):
        client.close()
        with pytest.raises(ValueError, match="this client is closed"):
            client.call(query)


def test_the_dll_is_called_here_or_in_a_process_of_its_own(standin):
    with Client(URL, "1", dll=standin) as client:
        assert type(client.transport) is DllTransport
    for options, timeout in (({"timeout": 5}, 5), ({"python": "python3"}, 60)):
        with Client(URL, "1", dll=standin, **options) as client:
            assert type(client.transport) is IsolatedDll
            assert client.transport.timeout == timeout
    with pytest.raises(ValueError, match="timeout"):
        Client(URL, "1", dll=standin, timeout=0)


def test_an_exchange_has_all_of_the_call(client_of, query):
    before = datetime.now(timezone.utc)
    exchange = client_of().exchange(query)
    assert before <= exchange.started_at <= datetime.now(timezone.utc)
    assert 0 < exchange.elapsed < 5
    assert json.loads(exchange.sent.decode("gb18030"))["transType"] == "ec.query"
    assert (exchange.return_value, exchange.received[:10]) == (b"0000", b'{\n  "data"')
    assert (exchange.envelope.org_id, exchange.request.org_id) == (None, "1234567")
    assert (exchange.data.user_name, exchange.error) == ("张三", None)
    assert repr(exchange).startswith("<Exchange ec.query outBizNo=None code=0 in ")


class TestLogging:
    """One line a call on the logger "nationec", without anybody's name in it."""

    def line(self, caplog, level):
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("nationec", level)
        assert len(caplog.text.splitlines()) == 1
        return record.getMessage()

    @pytest.mark.parametrize(
        ("answered", "told"),
        [
            ({}, "code=0 in "),
            ({"code": 500004, "message": "李四"}, "error=BusinessError code=500004 in "),
            ({"return_value": "a\nb"}, "error=ProtocolError return_value=a b in "),
            ({"return_value": None}, "error=ProtocolError return_value=NULL in "),
            ({"raw": "李四"}, "error=ResponseFormatError in "),
            ({"crash": True}, "error=DllCrashError reason=ended in "),
            ({"delay": 5}, r"error=DllTimeoutError in \d\d"),  # the deadline is 50 ms
        ],
        ids=str,
    )
    def test_has_the_outcome_and_of_a_failure_is_a_warning(self, caplog, answered, told):
        caplog.set_level(logging.DEBUG, "nationec")
        simulator = Simulator(timeout=0.05)
        simulator.answer(**answered)
        with suppress(NationEcError):
            Client("http://h", "1", transport=simulator).call(SCAN)
        line = self.line(caplog, logging.WARNING if "error" in told else logging.DEBUG)
        assert re.fullmatch(rf"cn\.nhsa\.qrcode\.get outBizNo=N1 {told}\d*\.\d ms", line)

    def test_of_a_hook_that_raises_changes_nothing(self, client_of, query, caplog):
        client = client_of(on_exchange=lambda exchange: exchange.data.user_name + 1)
        assert client.call(query).user_name == "张三"
        line = self.line(caplog, logging.WARNING)
        assert line == "on_exchange raised TypeError; it is ignored"

    def test_that_fails_loses_no_transaction(self, client_of, query, monkeypatch):
        def broken(record):
            raise AttributeError("user")

        logger, seen = logging.getLogger("nationec"), []
        monkeypatch.setattr(logger, "filters", [broken])
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        assert client_of(on_exchange=seen.append).call(query).user_name == "张三"
        assert [exchange.error for exchange in seen] == [None]
