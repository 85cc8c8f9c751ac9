"""What goes out, and the encodings of both ways."""

import json

import pytest
from pydantic import field_validator

from nationec import Client, EcQueryRequest, Request, Response, ResponseFormatError

from .conftest import COMMON, PATIENT, answer, arrived
from .standard_tables import example

EXAMPLE_REQUEST = json.loads(example("5.3.5.1"))
NAME = {"code": 0, "data": {**PATIENT, "userName": "张三"}}


def message(client, request, **options):
    """The message that reached the DLL."""
    return json.loads(arrived(client, request, **options).decode("gb18030"))


class TestWhatIsSent:
    def test_goes_to_the_url(self, client_of, query):
        assert arrived(client_of("url"), query) == b"http://127.0.0.1:8081/localcfc/api/hsecfc/url"

    def test_has_characters_of_the_2022_edition_as_two_bytes(self, client_of):
        query = EcQueryRequest(**{**COMMON, "operator_name": "龴\ue81e"})
        assert b'"\xfe\x59\xfe\x59"' in arrived(client_of("echo"), query)

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-7"])
    @pytest.mark.parametrize("photo", ["QUJD", "++//", "~", "QUJD" * 25_000, "龴", '"龴', ""])
    def test_has_a_photo_among_chinese_text(self, client_of, encoding, photo):
        class Pictured(EcQueryRequest):
            photo_data: str
            remark: str

        request = Pictured(**COMMON, photo_data=photo, remark="龴")
        sent = arrived(client_of("echo", encoding=encoding, out_buffer_size=262_144), request)
        data = json.loads(sent.decode(encoding).replace("\ue81e", "龴"))["data"]
        assert (data["photoData"], data["remark"]) == (photo, "龴")
        assert data["officeName"] == COMMON["office_name"]

    @pytest.mark.parametrize("data_format", ["object", "string"])
    def test_has_data_and_extra_in_the_format_of_the_client(self, client_of, query, data_format):
        client = client_of("echo", data_format=data_format)
        sent = message(client, query, extra={"版": [1, None]})
        assert list(sent) == ["orgId", "transType", "data", "extra"]  # as in §4.2.4.1
        if data_format == "string":
            sent.update(data=json.loads(sent["data"]), extra=json.loads(sent["extra"]))
        assert sent == {**EXAMPLE_REQUEST, "extra": {"版": [1, None]}}
        assert "extra" not in message(client, query)
        for text in ("{ }", "预留", '{"a": "\\u0000"}', ""):
            assert message(client, query, extra=text)["extra"] == text

    def test_has_an_extra_of_at_most_2048_characters_of_json(self, client, simulator, query):
        around = len('{"a":""}')
        for extra in ("长" * 2048, {"a": "长" * (2048 - around)}):
            client.call(query, extra=extra)
        for longer in ("长" * 2049, {"a": "长" * (2049 - around)}):
            with pytest.raises(ValueError, match="2,048 characters"):
                client.call(query, extra=longer)
        for extra in ({"a": float("nan")}, {"a": object()}, "\ud800", {("a",): 1}):
            with pytest.raises(ValueError, match="nothing was sent"):
                client.call(query, extra=extra)
        assert len(simulator.requests) == 2


class TestEncodings:
    @pytest.mark.parametrize("one", ["utf-8", "gb18030"])
    @pytest.mark.parametrize("other", ["utf-8", "gb18030"])
    def test_the_standards_json_in_one_and_an_answer_in_another(self, client_of, query, one, other):
        encodings = {"encoding": one, "response_encoding": other}
        assert client_of(answer(NAME, other), **encodings).call(query).user_name == "张三"
        with pytest.raises(ResponseFormatError, match=f"not {other}: give response_encoding="):
            client_of(answer(b"\xff"), **encodings).call(query)
        sent = arrived(client_of("echo", **encodings), query)
        assert json.loads(sent.decode(one)) == EXAMPLE_REQUEST
        assert "内科".encode(one) in sent

    @pytest.mark.parametrize("name", ["gb-unknown", "rot13", "utf-16", "utf-8-sig", "gb18030\0"])
    def test_that_no_dll_can_speak_is_refused(self, simulator, name):
        for setting in ("encoding", "response_encoding"):
            with pytest.raises(ValueError, match=f"^{setting}: .*gb18030"):
                Client("http://h", "1", transport=simulator, **{setting: name})


def test_a_validator_of_ones_own_loses_nothing_and_shows_nobody(client, simulator):
    class Own(Response):
        id_no: str

        @field_validator("id_no")
        @classmethod
        def looked_up(cls, id_no):
            raise KeyError(id_no)

    class OwnRequest(Request[Own]):
        trans_type = "own"

    simulator.answer("own", data={"idNo": "533222199909090123"})
    with pytest.raises(ResponseFormatError, match="validator of Own raised KeyError") as caught:
        client.call(OwnRequest())
    assert "533222199909090123" not in f"{caught.value} {caught.value.__context__}"
    assert b"533222199909090123" in caught.value.exchange.received
