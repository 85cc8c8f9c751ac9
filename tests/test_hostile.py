"""The worst that a DLL can do, each with what must come of it, here and in another process.

The modes are those of native/standin.c. Nothing may come out wrong: an answer is read as it is
meant, or it is an error of the library that says what is the matter; and the call after it is as
good as any other. "Goes" is what issue 11 lets go.
"""

import json
import locale
import os
import random
import re
import signal
from typing import Any, NamedTuple, Optional

import pytest

from nationec import (
    BusinessError,
    Client,
    DllCrashError,
    DllTimeoutError,
    DllTransport,
    EcQueryRequest,
    IsolatedDll,
    NationEcError,
    ProtocolError,
    ResponseFormatError,
)

from .conftest import URL, WINDOW, WINDOWS, answer, hexed

CALLS = 1000 if "NATIONEC_TEST_FULL" in os.environ else 150
SEED = int(os.environ.get("NATIONEC_TEST_SEED", random.SystemRandom().randrange(10**9)))

PATIENT = {
    "idNo": "533222199909090123",
    "idType": "01",
    "userName": "张三",
    "ecToken": "T0",
    "insuOrg": "430000",
}
LEFT_OUT = object()


class Reads(NamedTuple):
    """The call gives a response with these attributes, and an envelope with those."""

    data: dict
    envelope: dict = {}  # noqa: RUF012


class Raises(NamedTuple):
    """The call raises this error, with this in its text, and with these attributes."""

    kind: type
    text: str = ""
    attributes: dict = {}  # noqa: RUF012


class Case(NamedTuple):
    mode: str
    expected: Any
    in_process: bool = True
    ends_the_process: bool = False
    timeout: Optional[float] = None


def laid_over(values, changed):
    values = {**values, **changed}
    return {name: value for name, value in values.items() if value is not LEFT_OUT}


def head(**changed):
    return laid_over({"code": 0, "data": PATIENT}, changed)


def patient(**changed):
    return head(data=laid_over(PATIENT, changed))


def text(value, old="", new=""):
    """The JSON text, with a part of it exchanged for what json.dumps would not write."""
    return json.dumps(value, ensure_ascii=False).replace(old, new)


def repeat(count, template):
    """OutData is A, so many B, C, so many D, and E, for the template "A|B|C|D|E"."""
    parts = template.split("|")
    assert len(parts) == 5
    return f"repeat={count}," + ",".join(hexed(part) for part in parts)


def refused(message, code=-2):
    text = f"the platform says: {code} " if message else f"no more than code {code}:"
    return Raises(BusinessError, text, {"code": code, "message": message})


def missing(*names):
    return Raises(ResponseFormatError, "fields are missing", {"missing": names})


def unreadable(*names):
    return Raises(ResponseFormatError, "wrong kind", {"unreadable": names})


READ = Reads({"user_name": "张三", "id_no": "533222199909090123", "insu_org": "430000"})
NOT_JSON = Raises(ResponseFormatError, "OutData is not JSON")
TOO_DEEP = Raises(ResponseFormatError, "nests more than 200 levels deep")
EMPTY = Raises(ResponseFormatError, "OutData is empty")
UTF8 = Raises(
    ResponseFormatError, 'OutData is UTF-8 and not gb18030: give response_encoding="utf-8"'
)
NO_CODE = Raises(ResponseFormatError, "fields are missing: code", {"missing": ("code",)})
NO_INTEGER = Raises(ResponseFormatError, "wrong kind: code", {"unreadable": ("code",)})
NO_DATA = Raises(
    ResponseFormatError,
    "data is empty; fields are missing",
    {"missing": ("idNo", "idType", "userName", "ecToken", "insuOrg")},
)
NO_OBJECT = Raises(ResponseFormatError, "data is not a JSON object")
ENDED = Raises(DllCrashError, "outcome is unknown")


def overrun(how, size):
    text = "wrote past the 65,536 bytes of OutData.*out_buffer_size=.*outcome is unknown"
    written = b"x" * size + (b"\xff" * (65536 + 16 - size) if how == "unterminated" else b"")
    expected = Raises(DllCrashError, text, {"received": written})
    return Case(f"{how}={size}", expected, ends_the_process=True)


def returned(words, **more):
    return Raises(ProtocolError, "not 0000", {"return_value": words, **more})


IN_PATIENT = json.dumps(patient())[:-2]
IN_TEXT = json.dumps(head(data=json.dumps(PATIENT)))[:-3]

CASES = {
    # The return value.
    "the return value is NULL": Case(
        "null", Raises(ProtocolError, "returned NULL", {"return_value": None})
    ),
    "the return value is empty": Case(
        "return=", Raises(ProtocolError, "no text", {"return_value": ""})
    ),
    "the return value is 4 KiB of text": Case("long=4096", returned("错" * 2048)),
    "the return value ends in half a character": Case(
        "return=" + hexed("错误")[:-2], returned("错\ufffd")
    ),
    "the return value is no GB 18030": Case("return=41ff", returned("A\ufffd")),
    "the return value is UTF-8": Case("return=" + hexed("网络异常", "utf-8"), returned("网络异常")),
    "the return value is JSON": Case(
        "return=" + hexed(text(head(message="机构错误"))), returned("机构错误")
    ),
    "the return value holds JSON": Case(
        "return=" + hexed(f"[10060] 超时: {text(patient())}"), returned("")
    ),
    "the return value is OutData, a text": Case(
        "outreturn=" + hexed("系统异常"), returned("系统异常", out_data="系统异常")
    ),
    "the return value is OutData, 0000": Case("outreturn=30303030", NOT_JSON),
    "the return value is OutData, the patient": Case(
        "outtail=0", returned("处理成功", out_data="处理成功")
    ),
    "the return value begins in the middle of OutData": Case(
        "outtail=180", returned("", out_data="处理成功")
    ),
    "the return value stands behind OutData's terminator": Case("behind", READ),
    "the return value is InData": Case("inreturn=0", returned("")),
    "the return value begins in the middle of InData": Case(
        "infind=" + hexed("officeName"), returned("")
    ),
    "the return value begins in the middle of a character of InData": Case(
        "infind=" + hexed("内")[2:], returned("")
    ),
    "the return value is a copy of a piece of InData": Case("incopy=40,20", returned("")),
    "the return value is strUrl": Case("urlreturn", returned(URL + "urlreturn")),
    "the return value is overwritten by the next call": Case("passing", READ),
    "the return value and OutData both say why": Case(
        "refuse=" + hexed("连接超时"), returned("-1", out_data="连接超时")
    ),
    # The buffers.
    "OutData is untouched": Case("untouched", EMPTY),
    "OutData is empty": Case("answer=", EMPTY),
    "OutData is white space": Case(answer(" \r\n\t"), EMPTY),
    "OutData is full": Case("fill=65535", NOT_JSON),
    "OutData has no terminator": Case("unterminated=65536", NOT_JSON),
    "OutData's terminator is one byte past it": overrun("fill", 65536),
    "OutData is one byte too long": overrun("unterminated", 65537),
    "OutData is twice as long": overrun("unterminated", 131_000),
    "OutData has no end": Case(
        "unterminated=900000000", ENDED, in_process=False, ends_the_process=True
    ),
    "strUrl and InData are overwritten": Case("inplace", READ),
    "an answer of 60 KiB": Case(
        repeat(60_000, f'{IN_PATIENT},"more":"|x|||"}}}}'), Reads({"more": "x" * 60_000})
    ),
    "an answer of 60 KiB of Chinese": Case(
        repeat(30_000, '{"code":-2,"message":"|错|||"}'), refused("错" * 30_000)
    ),
    # The encoding.
    "an answer that ends in half a character": Case(
        answer('{"code":0,"message":"处'.encode("gbk")[:-1]),
        Raises(ResponseFormatError, "OutData is not gb18030"),
    ),
    "bytes that are in no encoding": Case(
        answer(b'{"code":0,"message":"\xff"}'), Raises(ResponseFormatError, "not gb18030")
    ),
    "UTF-8, an even number of characters": Case(answer(patient(), "utf-8"), UTF8),
    "UTF-8, an odd number of characters": Case(answer(patient(userName="张三丰"), "utf-8"), UTF8),
    "UTF-8, a middle dot": Case(answer(patient(userName="阿卜杜·买买提"), "utf-8"), UTF8),
    "UTF-8, a character beyond the BMP": Case(answer(patient(userName="张𠮷"), "utf-8"), UTF8),
    "UTF-8, a refusal": Case(answer(head(code=-2, message="参数异常"), "utf-8"), UTF8),
    "UTF-8 with its BOM": Case(answer(patient(), "utf-8-sig"), UTF8),
    "UTF-16": Case(answer(patient(), "utf-16-le"), NOT_JSON),
    "GB 18030 with its BOM": Case(answer("\ufeff" + text(patient())), READ),
    "GB 18030 that UTF-8 could be as well": Case(
        answer(patient(userName="陆茂")), Reads({"user_name": "陆茂"})
    ),
    "GB 18030 of 2022": Case(answer(b'{"code":-2,"message":"\xfe\x59"}'), refused("龴")),
    "GB 18030 in four bytes": Case(answer(patient(userName="𠮷")), Reads({"user_name": "𠮷"})),
    "ASCII with escapes": Case(answer(json.dumps(patient())), READ),
    # The text.
    "white space around it": Case(answer("\r\n\t " + text(patient()) + " \r\n"), READ),
    "a form feed around it": Case(answer("\f" + text(patient()) + "\f"), READ),
    "a wide blank around it": Case(answer("\u3000" + text(patient())), NOT_JSON),
    "raw control characters in a string": Case(
        answer(text(patient(userName="张#三"), "#", "\n\r\t\x01")), Reads({"user_name": "张    三"})
    ),
    "a text and no JSON": Case(answer("服务异常"), NOT_JSON),
    "JSON and something after it": Case(answer(text(patient()) + "}"), NOT_JSON),
    "two answers": Case(answer(text(patient()) * 2), NOT_JSON),
    "half an answer": Case(answer(text(patient())[:-30]), NOT_JSON),
    "single quotes": Case(answer(text(patient(), '"', "'")), NOT_JSON),
    "a comma too many": Case(answer(text(patient(), "}}", "},}")), NOT_JSON),
    "NaN": Case(answer(text(patient(x=0), ": 0}", ": NaN}")), NOT_JSON),
    "a list": Case(
        answer([patient()]), Raises(ResponseFormatError, "OutData is not a JSON object")
    ),
    "a string": Case(answer('"0000"'), Raises(ResponseFormatError, "OutData is not a JSON object")),
    # code
    **{
        f"code is {name}": Case(answer(head(code=code)), READ)
        for name, code in (
            ("0", 0),
            ("text", "0"),
            ("text with blanks and zeros", " 0000 "),
            ("a float", 0.0),
        )
    },
    "code is -0": Case(answer(text(head(), '"code": 0', '"code": -0')), READ),
    "code is written as 1e2": Case(
        answer(text(head(), '"code": 0', '"code": 1e2')), refused("", 100)
    ),
    **{
        f"code is {name}": Case(answer(head(code=code)), NO_INTEGER)
        for name, code in (
            # Goes: white space around a code other than blanks.
            ("text with control characters", "\x1d\x1f0\x1c\n"),
            ("a control character", "\x1d"),
            ("a fraction", 0.5),
            ("a fraction as text", "0.5"),
            ("false", False),
            ("true", True),
            ("a word", "ok"),
            ("in full-width digits", "０"),
            ("a list", [0]),
            ("an object", {}),
            ("huge", 10**30),
            ("huge as text", "9" * 18),
        )
    },
    "code is a float too large": Case(
        answer(text(head(), '"code": 0', '"code": 1e999999')), NO_INTEGER
    ),
    "code is a float far too large": Case(
        answer(text(head(), '"code": 0', '"code": -1e9999999')), NO_INTEGER
    ),
    "code has more digits than Python reads": Case(
        repeat(5000, '{"code":|9|||}'), Raises(ResponseFormatError)
    ),
    "code is null": Case(answer(head(code=None)), NO_CODE),
    "code is empty": Case(answer(head(code="")), NO_CODE),
    "code is missing": Case(answer(head(code=LEFT_OUT)), NO_CODE),
    # message, cause
    **{
        name: Case(answer(head(code=-2, **given)), refused(shown))
        for name, given, shown in (
            ("message", {"message": "甲"}, "甲"),
            ("cause", {"cause": "乙"}, "乙"),
            ("message and cause", {"message": "甲", "cause": "乙"}, "甲"),
            ("message empty, and cause", {"message": "", "cause": "乙"}, "乙"),
            ("neither message nor cause", {}, "请求参数异常"),
            ("message is a number", {"message": 7}, "7"),
            ("message is a list", {"message": ["甲", 1.5]}, '["甲", 1.5]'),
            ("message is false", {"message": False}, "false"),
            ("data is null in a refusal", {"message": "甲", "data": None}, "甲"),
            ("data is garbage in a refusal", {"message": "甲", "data": [[]]}, "甲"),
        )
    },
    "neither, and an unlisted code": Case(answer(head(code=77)), refused("", 77)),
    # Goes: lone surrogates in \u escapes (refused).
    "message is a lone surrogate": Case(
        answer(json.dumps(head(code=-2, message="甲\ud800"))), NOT_JSON
    ),
    "message of a success": Case(
        answer(head(message="好")), Reads({"user_name": "张三"}, {"message": "好"})
    ),
    # data
    **{
        f"data is {name}": Case(answer(head(data=data)), expected)
        for name, data, expected in (
            ("an object", PATIENT, READ),
            ("a string", text(PATIENT), READ),
            ("a string in a string", text(text(PATIENT)), READ),
            ("a string with white space", f"\r\n{text(PATIENT)} \t", READ),
            ("a list", [PATIENT], NO_OBJECT),
            ("a list in a string", text([PATIENT]), NO_OBJECT),
            ("a number", 1, NO_OBJECT),
            ("0", 0, NO_OBJECT),
            ("false", False, NO_OBJECT),
            ("a word", "张三", NO_OBJECT),
            ("half an object", text(PATIENT)[:-1], NO_OBJECT),
            ("empty", "", NO_DATA),
            ("null", None, NO_DATA),
            ("null as text", "null", NO_DATA),
            ("missing", LEFT_OUT, NO_DATA),
            ("an empty object", {}, NO_DATA),
        )
    },
    # Keys.
    "unknown keys": Case(
        answer({**patient(chnlId="9", n=12, list=[{}], none=None, x="", y="null"), "traceId": 7}),
        Reads(
            {"model_extra": {"chnlId": "9", "n": 12, "list": [{}]}}, {"model_extra": {"traceId": 7}}
        ),
    ),
    # Goes: a key that stands twice in JSON (the last counts).
    "a key twice": Case(answer(text(patient(), '"idNo"', '"userName": "张三", "idNo"')), READ),
    "a key twice with two names": Case(
        answer(text(patient(), '"idNo"', '"userName": "李四", "idNo"')), READ
    ),
    "a key twice, the first before white space": Case(
        answer(text(patient(), '"idNo"', '"userName" : "李四", "idNo"')), READ
    ),
    "a key twice, first empty": Case(
        answer(text(patient(), '"idNo"', '"userName": "", "idNo"')), READ
    ),
    "a key twice, then empty": Case(
        answer(text(patient(), "}}", ', "userName": null}}')), missing("userName")
    ),
    "a key twice, in data that is a string": Case(
        answer(head(data=text(PATIENT, '"idNo"', '"userName": "李四", "idNo"'))), READ
    ),
    "code twice": Case(answer(text(head(), '"code": 0', '"code": -2, "code": 0')), READ),
    "data twice": Case(
        answer(text(head(), '"data"', '"data": {"userName": "李四"}, "data"')), READ
    ),
    "the key of the name in other case": Case(
        answer(patient(userName=LEFT_OUT, USERNAME="张三")), missing("userName")
    ),
    "the key of the code in other case": Case(answer(head(code=LEFT_OUT, Code=0)), NO_CODE),
    # Goes: Python's name beside the wire's in an answer.
    "Python's name beside the wire's": Case(
        answer(patient(user_name="李四")), Reads({"id_no": "533222199909090123"})
    ),
    "an empty key": Case(
        answer(patient(**{"": 1})), Reads({"user_name": "张三", "model_extra": {"": 1}})
    ),
    "a key that is a lone surrogate": Case(answer(json.dumps(patient(**{"\ud800": 1}))), NOT_JSON),
    "keys of Python's own": Case(
        answer(patient(__class__="x", model_fields="y", __dict__={})),
        Reads({"user_name": "张三", "id_type": "01"}),
    ),
    # Depth: 200 levels are read, and more is an error that says so.
    "nesting of 10,000 that is never closed": Case(repeat(10_000, "|[|||"), TOO_DEEP),
    "nesting of 10,000 in extra": Case(
        repeat(10_000, f'{IN_PATIENT},"extra":|[||]|}}}}'), TOO_DEEP
    ),
    "nesting of 10,000 in an unknown field": Case(
        repeat(10_000, f'{IN_PATIENT},"x":|{{"a":|1|}}|}}}}'), TOO_DEEP
    ),
    "nesting of 10,000 in a refusal": Case(
        repeat(10_000, '{"code":-2,"message":|[||]|}'), TOO_DEEP
    ),
    "nesting of 10,000 in data that is a string": Case(
        repeat(10_000, '{"code":0,"data":"|[||]|"}'), TOO_DEEP
    ),
    "nesting of 10,000 in extra that is a string": Case(
        repeat(10_000, f'{IN_PATIENT},"extra":"|[||]|"}}}}'), TOO_DEEP
    ),
    "nesting of 201 in data that is a string in a string": Case(
        repeat(201, '{"code":0,"data":"\\"|[|1|]|\\""}'), TOO_DEEP
    ),
    "nesting of 200 in data that is a string": Case(
        repeat(199, f'{IN_TEXT},\\"x\\":|[|1|]|}}"}}'), Reads({"user_name": "张三"})
    ),
    "nesting of 201 in data that is a string": Case(
        repeat(200, f'{IN_TEXT},\\"x\\":|[|1|]|}}"}}'), TOO_DEEP
    ),
    "nesting of 200 in extra that is a string": Case(
        repeat(200, f'{IN_PATIENT}}},"extra":"|[|1|]|"}}'), Reads({"user_name": "张三"})
    ),
    "nesting of 200 in an unknown field": Case(
        repeat(198, f'{IN_PATIENT},"x":|[|1|]|}}}}'), Reads({"user_name": "张三"})
    ),
    "nesting of 200 in all": Case(
        repeat(198, f'{IN_PATIENT},"extra":|[|1|]|}}}}'), Reads({"user_name": "张三"})
    ),
    "nesting of 201 in all": Case(repeat(199, f'{IN_PATIENT},"extra":|[|1|]|}}}}'), TOO_DEEP),
    "nesting of 200 in the orgId": Case(
        repeat(199, f'{IN_PATIENT}}},"orgId":|[|1|]|}}'), Reads({"user_name": "张三"})
    ),
    # Values.
    "a lone surrogate in the name": Case(
        answer(json.dumps(patient(userName="张\udfff"))), NOT_JSON
    ),
    "a lone surrogate in an unknown field": Case(answer(json.dumps(patient(x="\ud800"))), NOT_JSON),
    "a pair of surrogates": Case(
        answer(json.dumps(patient(userName="𠮷"))), Reads({"user_name": "𠮷"})
    ),
    "a NUL as an escape": Case(
        answer(json.dumps(patient(userName="张\0三"))), Reads({"user_name": "张\0三"})
    ),
    "digits where text is": Case(
        answer(text(patient(gender=1), '"533222199909090123"', "533222199909090123")),
        Reads({"id_no": "533222199909090123", "gender": "1"}),
    ),
    # Goes: digits of decimals in text fields.
    "digits of a decimal where text is": Case(
        answer(patient(gender=1.5)), Reads({"gender": "1.5"})
    ),
    "text where digits are": Case(
        answer(patient(idType="身份证", insuOrg="湖南", birthday="九八年")),
        Reads({"id_type": "身份证", "insu_org": "湖南", "birthday": "九八年"}),
    ),
    "longer than the table": Case(answer(patient(gender="男" * 99)), Reads({"gender": "男" * 99})),
    "true where text is": Case(answer(patient(userName=True)), unreadable("userName")),
    "a list where text is": Case(answer(patient(userName=["张三"])), unreadable("userName")),
    "an object where text is": Case(
        answer(patient(userName={"x": "张三"})), unreadable("userName")
    ),
    "null where text is": Case(answer(patient(userName=None)), missing("userName")),
    "null as text where text is": Case(
        answer(patient(userName="null", email="null")), missing("userName")
    ),
    "optional fields that are empty": Case(
        answer(patient(email="", gender=None, birthday="null")),
        Reads({"email": None, "gender": None, "birthday": None}),
    ),
    **{
        f"extra is {name}": Case(
            answer({**patient(extra=extra), "extra": extra}),
            Reads({"extra": read}, {"extra": read}),
        )
        for name, extra, read in (
            ("an object", {"a": [1]}, {"a": [1]}),
            ("an object in a string", '{"a":[1]}', {"a": [1]}),
            ("a string in a string", '"{}"', {}),
            ("a list", [1, "二"], [1, "二"]),
            ("a number", 7, 7),
            ("a fraction", 1.5, 1.5),
            ("true", True, True),
            ("a text", "预留", "预留"),
            ("half an object", "{", "{"),
            ("empty", "", None),
            ("null", None, None),
            ("null as text", "null", None),
        )
    },
    "orgId is a number": Case(answer(head(orgId=7)), Reads({}, {"org_id": "7"})),
    "orgId is an object": Case(
        answer(head(orgId={"userName": "李四"})), Reads({}, {"org_id": '{"userName": "李四"}'})
    ),
    "orgId is an object in a refusal": Case(
        answer(head(code=-2, message="甲", orgId={})), refused("甲")
    ),
    # The process.
    "another locale": Case("locale", READ),
    "another current directory": Case("chdir=2e2e", READ),
    "other signal handlers": Case("signals", READ),
    "a long call": Case("sleep=30", READ),
    "a call past the deadline": Case(
        "sleep=60000",
        Raises(DllTimeoutError, "outcome is unknown"),
        False,
        ends_the_process=True,
        timeout=0.3,
    ),
    "noise on the standard streams": Case("print", READ, in_process=False),
    "closed standard streams": Case("close", READ, in_process=False),
    "an access violation": Case(
        "crash", Raises(DllCrashError), in_process=WINDOWS, ends_the_process=True
    ),
    "0000 and half a character in the return value": Case(
        "return=30303030207b63227dd8", Raises(ProtocolError)
    ),
    "a return value that points nowhere": Case(
        "pointer=16", Raises(DllCrashError), in_process=WINDOWS, ends_the_process=True
    ),
    "abort": Case("abort", ENDED, in_process=False, ends_the_process=True),
    "exit": Case("exit", ENDED, in_process=False, ends_the_process=True),
    "exit with a code": Case("exit=3", ENDED, in_process=False, ends_the_process=True),
    "a broken heap": Case("corrupt", ENDED, in_process=False, ends_the_process=True),
}
IN_PROCESS = [name for name, case in CASES.items() if case.in_process]

QUERY = EcQueryRequest(**WINDOW)


@pytest.fixture(scope="module")
def in_process(standin):
    return DllTransport(standin)


@pytest.fixture(scope="module")
def isolated(standin):
    with IsolatedDll(standin, timeout=60) as transport:
        yield transport


@pytest.fixture(autouse=True)
def _state_of_the_process():
    directory, handler, numbers = (
        os.getcwd(),
        signal.getsignal(signal.SIGINT),
        locale.setlocale(locale.LC_ALL),
    )
    yield
    os.chdir(directory)
    signal.signal(signal.SIGINT, handler)
    for number in (signal.SIGTERM, signal.SIGFPE):
        signal.signal(number, signal.SIG_DFL)
    locale.setlocale(locale.LC_ALL, numbers)


def assert_as_expected(transport, name):
    mode, expected, _, _, timeout = CASES[name]
    client = Client(URL + mode, "1234567", transport=transport)
    usual = getattr(transport, "timeout", None)
    try:
        if timeout:
            transport.start()
            transport.timeout = timeout
        exchange = client.exchange(QUERY)
    except NationEcError as error:
        assert isinstance(expected, Raises), (name, str(error))
        assert type(error) is expected.kind, (name, str(error))
        assert re.search(expected.text, str(error), re.DOTALL), (name, str(error))
        for attribute, value in expected.attributes.items():
            assert getattr(error, attribute) == value, (name, attribute)
        assert (error.trans_type, error.exchange.error) == ("ec.query", error)
        assert error.exchange.data is None
        if isinstance(error, ResponseFormatError):
            assert (error.__context__, len(str(error)) < 300) == (None, True)
    else:
        assert isinstance(expected, Reads), name
        for attribute, value in expected.data.items():
            assert getattr(exchange.data, attribute) == value, (name, attribute)
        for attribute, value in expected.envelope.items():
            assert getattr(exchange.envelope, attribute) == value, (name, attribute)
    finally:
        if timeout:
            transport.timeout = usual


def assert_a_correct_call_is_right(transport, after):
    exchange = Client(URL + "localQrCodeQuery", "1234567", transport=transport).exchange(QUERY)
    assert (exchange.data.user_name, exchange.data.id_no) == ("张三", "533222199909090123"), after
    assert exchange.envelope.message == "处理成功", after


@pytest.mark.parametrize("name", IN_PROCESS)
def test_in_this_process(in_process, name):
    assert_as_expected(in_process, name)
    assert_a_correct_call_is_right(in_process, name)


@pytest.mark.parametrize("name", CASES)
def test_in_a_process_of_its_own(isolated, name):
    assert_as_expected(isolated, name)
    assert_a_correct_call_is_right(isolated, name)


@pytest.mark.parametrize("kind", ["in_process", "isolated"])
def test_in_random_order_every_correct_call_between_is_right(request, kind):
    transport = request.getfixturevalue(kind)
    print(f"NATIONEC_TEST_SEED={SEED}")  # pytest shows it where this fails
    order = random.Random(SEED)
    if kind == "in_process":
        names = order.choices(IN_PROCESS, k=CALLS)
    else:  # a new process takes a hundred times as long as a call
        weights = [0.2 if case.ends_the_process else 1 for case in CASES.values()]
        names = order.choices(list(CASES), weights, k=CALLS)
    for name in names:
        assert_as_expected(transport, name)
        assert_a_correct_call_is_right(transport, name)


@pytest.mark.parametrize("mode", ["passing", "return=7a7a"])
def test_a_return_value_that_the_next_call_overwrites_is_kept(dll, mode):
    client, other = dll(mode), dll("long=4096")
    before = []
    for _ in range(2):
        try:
            before.append(client.exchange(QUERY).return_value)
        except ProtocolError as error:
            before.append(error.exchange.return_value)
        with pytest.raises(ProtocolError):
            other.call(QUERY)
    assert before == [b"0000" if mode == "passing" else b"zz"] * 2


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-8"])
def test_the_encoding_that_is_given_is_the_one_that_is_read(dll, encoding):
    name = "张三" if encoding == "utf-8" else "陆茂"
    client = dll(answer(patient(userName=name), encoding), encoding=encoding)
    assert client.call(QUERY).user_name == name
    wrong = dll(answer(patient(), "gbk" if encoding == "utf-8" else "utf-8"), encoding=encoding)
    told = "is not utf-8: give response_encoding=" if encoding == "utf-8" else f"not {encoding}"
    with pytest.raises(ResponseFormatError, match=told):
        wrong.call(QUERY)


def test_names_in_utf_8_are_never_taken_for_gb_18030_and_the_reverse_hardly_ever(client, simulator):
    """Names are the only Chinese of these answers, and half of them have a rare character."""
    order = random.Random(5)
    common = [
        bytes([lead, trail]).decode("gbk")
        for lead in range(0xB0, 0xF8)
        for trail in range(0xA1, 0xFA)
    ]
    refused = 0
    for number in range(10_000 if "NATIONEC_TEST_FULL" in os.environ else 1000):
        name = "".join(order.choices(common, k=order.choice([2, 2, 3, 3, 3, 4])))
        if number % 2:
            name = name[:-1] + order.choice([chr(order.randrange(0x4E00, 0x9FA6)), "𠮷", "㐂", "·"])
        simulator.answer(raw=text(patient(userName=name)).encode())
        with pytest.raises(ResponseFormatError, match="UTF-8"):
            client.call(QUERY)
        simulator.answer(raw=text(patient(userName=name)))
        try:
            assert client.call(QUERY).user_name == name
        except ResponseFormatError:
            refused += 1
    assert refused <= number / 250
