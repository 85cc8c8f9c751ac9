"""What holds for any text in a request, and for anything at all as an answer."""

import json
import os
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nationec import AnyRequest, BusinessError, Client, DllTransport, NationEcError, gb18030
from nationec.wire import Wire

from .conftest import FACE, FACE_SCREEN, PASSWORD, QUERY, SCAN, URL, arrived

FULL = "NATIONEC_TEST_FULL" in os.environ
settings.register_profile(
    "ours",
    max_examples=10_000 if FULL else 100,
    derandomize=not FULL,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("ours")

TYPED = [QUERY, SCAN, FACE, PASSWORD, FACE_SCREEN]
REQUESTS = [*TYPED, AnyRequest("cn.example.own", operatorId="1")]
FIELDS = [(request, name) for request in TYPED for name in type(request).model_fields]

# Ordinary text, text of what is special somewhere, and anything, lone surrogates included.
SPECIAL = (
    "\0\t\r\n\x1f \x7f\x80\"\\/{}[],:=+'%<>&\u00a0\u00b7\u0301\u200b\u2028\u3000\ue000\ue81e\uf8ff"
    "\ufeff\ufffd\uffff张三龴龻𠮷👩\u200d⚕️\ud800\udfff\U0010ffff"
)
as_json_text = partial(json.dumps, ensure_ascii=False)
REAL = str.maketrans(gb18030.PRIVATE, gb18030.REAL)
texts = st.one_of(
    st.text("张王李赵abc019", max_size=40),
    st.text(SPECIAL, max_size=40),
    st.text(st.characters(exclude_categories=()), max_size=70),
)


@pytest.fixture(scope="module")
def echo(standin):
    return Client(URL + "echo", "1234567", transport=DllTransport(standin, out_buffer_size=1 << 20))


def message(echo, make, **more):
    """What the DLL was sent, parsed; ``None`` for what is refused before it is sent."""
    try:
        sent = arrived(echo, make(), **more)
    except ValueError:
        return None
    return json.loads(gb18030.decode(sent))


@given(st.sampled_from(FIELDS), texts)
def test_any_text_in_any_field_is_refused_or_arrives_exactly(echo, field, text):
    request, name = field
    sent = message(echo, lambda: type(request)(**{**dict(request), name: text}))
    if sent is not None:
        expected = {"org_id": "1234567", name: text.translate(REAL).rstrip(" ")}
        made = request.model_copy(update=expected)
        assert sent["data"] == made.model_dump(by_alias=True, exclude_none=True)


odd = ["", "null", "0", "0000", "-1", "{}", "[]", '""', "01", "1", "NaN", 0, -1, 10**18, 1e400]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(odd),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_any_dict_is_refused_or_arrives_exactly(echo, value):
    for make in (
        lambda: type(SCAN)(**{**dict(SCAN), "ext_data": value}),
        lambda: AnyRequest("x", extData=value),
    ):
        sent = message(echo, make, extra=value)
        if sent is not None:
            mended = json.loads(as_json_text(value).translate(REAL))
            assert sent["data"]["extData"] == sent["extra"] == mended


def plain(out_data):
    """The answer's code and data, where nothing about it is unusual."""
    with suppress(ValueError, RecursionError):
        answer = json.loads(gb18030.decode(out_data))
        if isinstance(answer, dict) and type(answer.get("code")) is int:
            data = answer.get("data")
            return answer["code"], data if isinstance(data, dict) else {}
    return None, {}


def assert_result_or_error(request, out_data, returned=b"0000"):
    code, data = plain(out_data)
    seen = []
    transport = SimpleNamespace(exchange=lambda url, in_data: (returned, out_data))
    client = Client("http://h", "1234567", transport=transport, on_exchange=seen.append)
    try:
        exchange = client.exchange(request)
        assert type(exchange.data) is request.response_type
        assert (exchange.envelope.code, exchange.error) == (0, None)
        assert code in (0, None)
        for name, field in type(exchange.data).model_fields.items():
            value = data.get(field.alias)
            if isinstance(value, str) and value.isprintable() and value not in ("", "null"):
                read = getattr(exchange.data, name)
                assert read == value or name in ("extra", "ext_data", *(data.keys() - names))
    except NationEcError as error:
        exchange = error.exchange
        assert exchange.error is error
        assert exchange.data is None
        assert not isinstance(error, BusinessError) or code in (error.code, None)
        f"{error} {error!r}".encode()  # fit for a console, a file or a browser
        assert (error.__cause__, error.__context__) == (None, None)
    assert seen == [exchange]
    assert (exchange.return_value, exchange.received) == (returned, out_data)
    assert exchange.request.org_id == "1234567"
    repr(exchange), repr(exchange.data), repr(exchange.envelope)


requests = st.sampled_from(REQUESTS)
heads = ["code", "message", "cause", "data", "orgId", "extra", "Code", "transType"]
answered = [field for each in TYPED for field in each.response_type.model_fields.values()]
names = sorted({field.alias for field in answered})
ALL = {**dict.fromkeys(names, "1"), "extra": ""}
keys = st.sampled_from([*names, "user_name", "chnlId"]) | texts
datas = st.dictionaries(keys, values, max_size=6).map(lambda some: {**ALL, **some})
codes = st.just(0) | st.sampled_from([0, "0", 0.0, -2, 500004, "500004"]) | values
# An answer as it should be, but for a few values.
answers = st.fixed_dictionaries(
    {"code": codes},
    optional={**dict.fromkeys(heads[1:], values), "data": datas | datas.map(as_json_text) | values},
)
written = values.map(as_json_text) | answers.map(as_json_text) | answers.map(json.dumps)
encodings = st.sampled_from(["gb18030", "utf-8", "utf-8-sig"])
raws = st.builds(lambda text, encoding: text.encode(encoding, "replace"), written, encodings)


readable = st.dictionaries(st.sampled_from(names), texts, max_size=4).map(
    lambda data: as_json_text({"code": 0, "data": {**ALL, **data}}).encode("gb18030", "replace")
)


@settings(max_examples=5 * settings().max_examples)
@given(requests, raws | readable)
def test_any_json_as_an_answer_gives_a_result_or_an_error_of_the_library(request_, out_data):
    assert_result_or_error(request_, out_data)


returned = st.just(b"0000") | st.sampled_from([b"0000", None]) | st.binary(max_size=60)


@given(requests, raws, st.integers(0, 300), st.integers(0, 40), st.binary(max_size=60), returned)
def test_any_bytes_as_an_answer_and_as_a_return_value_likewise(
    request_, raw, at, size, put_in, returned
):
    assert_result_or_error(request_, raw[:at] + put_in + raw[at + size :], returned)


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1))
def test_any_chinese_in_utf_8_is_told_from_gb_18030(text):
    with pytest.raises(NationEcError, match="OutData is UTF-8"):
        Wire().answer(as_json_text({"code": 0, "data": text}).encode())
