"""The worst that a DLL can do, each with what must come of it, here and in another process.

The modes are those of native/standin.c. Nothing may come out wrong: an answer is read as it is
meant, or it is an error of the library that says what is the matter; and the call after it is as
good as any other. That it hangs is in test_worker.py, kinds of values are in test_transactions.py.
"""

import json
import locale
import os
import random
import re
import signal
from typing import Any, NamedTuple

import pytest

from nationec import (
    BusinessError,
    Client,
    DllCrashError,
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

NUMBER = "533222199909090123"
PATIENT = {"idNo": NUMBER, "idType": "01", "userName": "张三", "ecToken": "T0", "insuOrg": "430000"}
UNKNOWN = {"chnlId": "9", "n": 12, "list": [{}]}
NOT_INTEGERS = ["\x1d\x1f0\x1c\n", 0.5, "0.5", False, True, "ok", "０", [0], {}, 10**30, "9" * 18]
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


def with_code(written):
    return text(head(), '"code": 0', f'"code": {written}')


def with_first(key, value):
    """The value as JSON text, where this key stands before the one of the same name."""
    return text(value, '"idNo"', f'{key}, "idNo"')


def repeat(count, template):
    """OutData is A, so many B, C, so many D, and E, for the template "A|B|C|D|E"."""
    parts = template.split("|")
    assert len(parts) == 5
    return f"repeat={count}," + ",".join(hexed(part) for part in parts)


def reads(**data):
    return Reads(data)


def refused(message, code=-2):
    text = f"the platform says: {code} " if message else f"no more than code {code}:"
    return Raises(BusinessError, text, {"code": code, "message": message})


def returned(words, **more):
    return Raises(ProtocolError, "not 0000", {"return_value": words, **more})


def missing(*names):
    return Raises(ResponseFormatError, f"missing: {', '.join(names)}", {"missing": names})


def unread(told=""):
    return Raises(ResponseFormatError, told)


def overrun(how, size):
    text = "wrote past the 65,536 bytes of OutData.*out_buffer_size=.*outcome is unknown"
    expected = Raises(DllCrashError, text, {"received": b"x" * size})
    return Case(f"{how}={size}", expected, ends_the_process=True)


def ends(mode, in_process=False, how=""):
    """A case of what ends the process that the DLL is in."""
    expected = Raises(DllCrashError, f"{how}.*outcome is unknown")
    return Case(mode, expected, in_process, ends_the_process=True)


def extra(given, read):
    """An answer whose ``extra``, in the head and in the data, is read as this."""
    return {**patient(extra=given), "extra": given}, Reads({"extra": read}, {"extra": read})


READ = reads(user_name="张三", id_no=NUMBER, insu_org="430000")
NOT_JSON = unread("OutData is not JSON")
TOO_DEEP = unread("read: (OutData|data) nests more than 200 levels deep")
EMPTY = unread("OutData is empty")
UTF8 = unread('OutData is UTF-8 and not gb18030: give response_encoding="utf-8"')
NO_ANSWER = unread("OutData is not a JSON object")
NO_CODE = Raises(ResponseFormatError, "OutData has no code of the platform", {"missing": ("code",)})
NO_INTEGER = Raises(
    ResponseFormatError, "OutData has no code of the platform", {"unreadable": ("code",)}
)
NO_DATA = Raises(ResponseFormatError, "data is empty; fields", {"missing": tuple(PATIENT)})
NO_OBJECT = unread("data is not a JSON object")

# What the return value is: the mode, and what is expected.
RETURN_VALUES = {
    "is NULL": ("null", Raises(ProtocolError, "returned NULL", {"return_value": None})),
    "is empty": ("return=", Raises(ProtocolError, "no text", {"return_value": ""})),
    "is 4 KiB of text": ("long=4096", returned("错" * 2048)),
    "ends in half a character": ("return=" + hexed("错误")[:-2], returned("错\ufffd")),
    "is 0000 and half a character": ("return=30303030207b63227dd8", Raises(ProtocolError)),
    "is OutData, a text": ("outreturn=" + hexed("异常"), returned("异常", out_data="异常")),
    "is OutData, 0000": ("outreturn=30303030", NOT_JSON),
    "is OutData, the patient": ("outtail=0", returned("处理成功", out_data="处理成功")),
    "begins in the middle of OutData": ("outtail=180", returned("", out_data="处理成功")),
    "stands behind OutData's terminator": ("behind", READ),
    "is InData": ("inreturn=0", returned("")),
    "begins in the middle of InData": ("infind=" + hexed("officeName"), returned("")),
    "begins in the middle of a character of InData": ("infind=" + hexed("内")[2:], returned("")),
    "is a copy of a piece of InData": ("incopy=40,20", returned("")),
    "is strUrl": ("urlreturn", returned(URL + "urlreturn")),
    "is overwritten by the next call": ("passing", READ),
    "and OutData say why": ("refuse=" + hexed("超时"), returned("-1", out_data="超时")),
}

# What OutData is: bytes, text or a value as JSON, and what is expected.
ANSWERS = {
    "OutData is white space": (" \r\n\t", EMPTY),
    # The encoding.
    "half a character at the end": (b'{"code":0,"message":"\xb4', unread("OutData is not gb18030")),
    "UTF-8, an even number of characters": (text(patient()).encode(), UTF8),
    "UTF-8, an odd number of characters": (text(patient(userName="张三丰")).encode(), UTF8),
    "UTF-8, a character beyond the BMP": (text(patient(userName="𠮷")).encode(), UTF8),
    "UTF-8, a refusal": (text(head(code=-2, message="参数异常")).encode(), UTF8),
    "UTF-8 with its BOM": (text(patient()).encode("utf-8-sig"), UTF8),
    "UTF-16": (text(patient()).encode("utf-16-le"), NOT_JSON),
    "GB 18030 with its BOM": ("\ufeff" + text(patient()), READ),
    "GB 18030 that UTF-8 could be as well": (patient(userName="陆茂"), reads(user_name="陆茂")),
    "GB 18030 of 2022": (b'{"code":-2,"message":"\xfe\x59"}', refused("龴")),
    "GB 18030 in four bytes": (patient(userName="𠮷"), reads(user_name="𠮷")),
    "ASCII with escapes": (json.dumps(patient()), READ),
    # The text.
    "white space around it": ("\r\n\t " + text(patient()) + " \r\n", READ),
    "a wide blank around it": ("\u3000" + text(patient()), NOT_JSON),
    "raw control characters": (text(patient(), "三", "\n\r\t\x01三"), reads(user_name="张    三")),
    "a text and no JSON": ("服务异常", NOT_JSON),
    "JSON and something after it": (text(patient()) + "}", NOT_JSON),
    "half an answer": (text(patient())[:-30], NOT_JSON),
    "a comma too many": (text(patient(), "}}", "},}"), NOT_JSON),
    "NaN": (text(patient(x=0), ": 0}", ": NaN}"), NOT_JSON),
    "a list": ([patient()], NO_ANSWER),
    "a string": ('"0000"', NO_ANSWER),
    # code
    **{f"code is {code!r}": (head(code=code), READ) for code in (0, "0", " 0000 ", 0.0)},
    "code is -0": (with_code("-0"), READ),
    "code is written as 1e2": (with_code("1e2"), refused("", 100)),
    **{f"code is {code!r}": (head(code=code), NO_INTEGER) for code in NOT_INTEGERS},
    **{f"code is {raw}": (with_code(raw), NO_INTEGER) for raw in ("1e999999", "-1e9999999")},
    **{f"code is {code!r}": (head(code=code), NO_CODE) for code in (None, "")},
    "code is missing": (head(code=LEFT_OUT), NO_CODE),
    # message, cause
    "message": (head(code=-2, message="甲"), refused("甲")),
    "cause": (head(code=-2, cause="乙"), refused("乙")),
    "message and cause": (head(code=-2, message="甲", cause="乙"), refused("甲")),
    "message empty, and cause": (head(code=-2, message="", cause="乙"), refused("乙")),
    "neither message nor cause": (head(code=-2), refused("请求参数异常")),
    "neither, and an unlisted code": (head(code=77), refused("", 77)),
    "message is a number": (head(code=-2, message=7), refused("7")),
    "message is a list": (head(code=-2, message=["甲", 1.5]), refused('["甲",1.5]')),
    "message is false": (head(code=-2, message=False), refused("false")),
    "message of a success": (head(message="好"), Reads({"user_name": "张三"}, {"message": "好"})),
    "no message of a success": (head(), Reads({"user_name": "张三"}, {"message": "成功"})),
    "data is null in a refusal": (head(code=-2, message="甲", data=None), refused("甲")),
    "data is garbage in a refusal": (head(code=-2, message="甲", data=[[]]), refused("甲")),
    # data
    "data is a string": (head(data=text(PATIENT)), READ),
    "data is a string in a string": (head(data=text(text(PATIENT))), READ),
    "data is a string with white space": (head(data=f"\r\n{text(PATIENT)} \t"), READ),
    "data is a list": (head(data=[PATIENT]), NO_OBJECT),
    "data is a list in a string": (head(data=text([PATIENT])), NO_OBJECT),
    "data is half an object": (head(data=text(PATIENT)[:-1]), NO_OBJECT),
    **{f"data is {data!r}": (head(data=data), NO_OBJECT) for data in (1, 0, False, "张三")},
    **{f"data is {data!r}": (head(data=data), NO_DATA) for data in ("", None, "null", {})},
    "data is missing": (head(data=LEFT_OUT), NO_DATA),
    # Keys.
    "unknown keys": (
        {**patient(**UNKNOWN, none=None, x="", y="null"), "traceId": 7},
        Reads({"model_extra": UNKNOWN}, {"model_extra": {"traceId": 7}}),
    ),
    "a key twice with two names": (with_first('"userName": "李四"', patient()), READ),
    "a key twice, first empty": (with_first('"userName": ""', patient()), READ),
    "a key twice, then empty": (text(patient(), "}}", ', "userName": null}}'), missing("userName")),
    "a key twice, in data as text": (head(data=with_first('"userName": "李四"', PATIENT)), READ),
    "code twice": (with_code('-2, "code": 0'), READ),
    "data twice": (text(head(), '"data"', '"data": {"userName": "李四"}, "data"'), READ),
    "userName in other case": (patient(userName=LEFT_OUT, USERNAME="张"), missing("userName")),
    "code in other case": (head(code=LEFT_OUT, Code=0), NO_CODE),
    "Python's name beside the wire's": (patient(user_name="李四"), reads(id_no=NUMBER)),
    "an empty key": (patient(**{"": 1}), reads(user_name="张三", model_extra={"": 1})),
    "a key that is a lone surrogate": (json.dumps(patient(**{"\ud800": 1})), NOT_JSON),
    "keys of Python's own": (patient(__class__="x", model_fields="y", __dict__={}), READ),
    # Values.
    "a lone surrogate in the name": (json.dumps(patient(userName="张\udfff")), NOT_JSON),
    "a pair of surrogates": (json.dumps(patient(userName="𠮷")), reads(user_name="𠮷")),
    "a NUL as an escape": (json.dumps(patient(userName="张\0三")), reads(user_name="张\0三")),
    "40 digits where text is": (patient(gender=10**40), reads(gender=str(10**40))),
    **{f"extra is {it!r}": extra(it, it) for it in ({"a": [1]}, [1, "二"], 7, True, "预留", "{")},
    **{f"extra is {it!r}": extra(it, None) for it in ("", None, "null")},
    "extra is an object in a string": extra('{"a":[1]}', {"a": [1]}),
    "extra is a string in a string": extra('"{}"', {}),
    "orgId is a number": (head(orgId=7), Reads({}, {"org_id": "7"})),
    "orgId is an object": (head(orgId={"a": "李四"}), Reads({}, {"org_id": '{"a":"李四"}'})),
    "orgId is an object in a refusal": (head(code=-2, message="甲", orgId={}), refused("甲")),
}

IN_PATIENT = json.dumps(patient())[:-2]
IN_TEXT = json.dumps(head(data=json.dumps(PATIENT)))[:-3]

# How often which template is repeated, and what is expected. Of depth, 200 levels are read.
REPEATED = {
    "60 KiB": (60_000, IN_PATIENT + ',"more":"|x|||"}}', reads(more="x" * 60_000)),
    "60 KiB of Chinese": (30_000, '{"code":-2,"message":"|错|||"}', refused("错" * 30_000)),
    "a code with more digits than Python reads": (5000, '{"code":|9|||}', unread()),
    "nesting of 10,000 that is never closed": (10_000, "|[|||", TOO_DEEP),
    "nesting of 10,000 in an unknown field": (10_000, IN_PATIENT + ',"x":|{"a":|1|}|}}', TOO_DEEP),
    "nesting of 10,000 in a refusal": (10_000, '{"code":-2,"message":|[||]|}', TOO_DEEP),
    "nesting of 10,000 in data that is a string": (10_000, '{"code":0,"data":"|[||]|"}', TOO_DEEP),
    "nesting of 10,000 in extra as text": (10_000, IN_PATIENT + ',"extra":"|[||]|"}}', TOO_DEEP),
    "nesting of 201 in a string in a string": (201, r'{"code":0,"data":"\"|[|1|]|\""}', TOO_DEEP),
    "nesting of 200 in data that is a string": (199, IN_TEXT + r',\"x\":|[|1|]|}"}', READ),
    "nesting of 201 in data that is a string": (200, IN_TEXT + r',\"x\":|[|1|]|}"}', TOO_DEEP),
    "nesting of 200 in extra that is a string": (200, IN_PATIENT + '},"extra":"|[|1|]|"}', READ),
    "nesting of 200 in an unknown field": (198, IN_PATIENT + ',"x":|[|1|]|}}', READ),
    "nesting of 200 in all": (198, IN_PATIENT + ',"extra":|[|1|]|}}', READ),
    "nesting of 201 in all": (199, IN_PATIENT + ',"extra":|[|1|]|}}', TOO_DEEP),
    "nesting of 200 in the orgId": (199, IN_PATIENT + '},"orgId":|[|1|]|}', READ),
}

CASES = {
    **{f"the return value {name}": Case(*row) for name, row in RETURN_VALUES.items()},
    **{name: Case(answer(out), expected) for name, (out, expected) in ANSWERS.items()},
    **{name: Case(repeat(*some), expected) for name, (*some, expected) in REPEATED.items()},
    # The buffers.
    "OutData is untouched": Case("untouched", EMPTY),
    "OutData is full": Case("fill=65535", NOT_JSON),
    "OutData has no terminator": Case("unterminated=65536", NOT_JSON),
    "OutData's terminator is one byte past it": overrun("fill", 65536),
    "OutData is twice as long": overrun("unterminated", 131_000),
    "OutData has no end": ends("unterminated=900000000"),
    "strUrl and InData are overwritten": Case("inplace", READ),
    # The process.
    "another locale": Case("locale", READ),
    "another current directory": Case("chdir=2e2e", READ),
    "other signal handlers": Case("signals", READ),
    "a long call": Case("sleep=30", READ),
    "noise on the standard streams": Case("print", READ, in_process=False),
    "closed standard streams": Case("close", READ, in_process=False),
    "an access violation": ends("crash", in_process=WINDOWS),
    "a return value that points nowhere": ends("pointer=16", in_process=WINDOWS),
    "abort": ends("abort"),
    "exit": ends("exit"),
    "exit with a code": ends("exit=3", how=r"ended its process \(exit code 3\)"),
    "a broken heap": ends("corrupt"),
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
    directory, handler = os.getcwd(), signal.getsignal(signal.SIGINT)
    numbers = locale.setlocale(locale.LC_ALL)
    yield
    os.chdir(directory)
    signal.signal(signal.SIGINT, handler)
    for number in (signal.SIGTERM, signal.SIGFPE):
        signal.signal(number, signal.SIG_DFL)
    locale.setlocale(locale.LC_ALL, numbers)


def assert_as_expected(transport, name):
    mode, expected, *_ = CASES[name]
    try:
        exchange = Client(URL + mode, "1234567", transport=transport).exchange(QUERY)
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
    next_one = Client(URL + "localQrCodeQuery", "1234567", transport=transport).exchange(QUERY)
    assert (next_one.data.user_name, next_one.data.id_no) == ("张三", NUMBER), name
    assert next_one.envelope.message == "处理成功", name


@pytest.mark.parametrize("name", IN_PROCESS)
def test_in_this_process(in_process, name):
    assert_as_expected(in_process, name)


@pytest.mark.parametrize("name", CASES)
def test_in_a_process_of_its_own(isolated, name):
    """Which is replaced after what ends it, and by nothing else."""
    isolated.start()
    process = isolated._process
    assert_as_expected(isolated, name)
    assert (isolated._process is not process) == CASES[name].ends_the_process


@pytest.mark.parametrize(("kind", "names"), [("in_process", IN_PROCESS), ("isolated", [*CASES])])
def test_in_random_order_every_correct_call_between_is_right(request, kind, names):
    print(f"NATIONEC_TEST_SEED={SEED}")  # pytest shows it where this fails
    transport = request.getfixturevalue(kind)
    for name in random.Random(SEED).choices(names, k=CALLS):
        assert_as_expected(transport, name)


@pytest.mark.parametrize(("encoding", "other"), [("gbk", "utf-8"), ("utf-8", "gbk")])
def test_the_encoding_that_is_given_is_the_one_that_is_read(dll, encoding, other):
    client = dll(answer(patient(userName="陆茂"), encoding), encoding=encoding)
    assert client.call(QUERY).user_name == "陆茂"
    with pytest.raises(ResponseFormatError, match=f"not {encoding}: give response_encoding="):
        dll(answer(patient(), other), encoding=encoding).call(QUERY)


def test_names_in_utf_8_are_never_taken_for_gb_18030_and_the_reverse_hardly_ever(client, simulator):
    """Names are the only Chinese of these answers, and half of them have a rare character."""
    order = random.Random(5)
    characters = "".join(map(chr, range(0x4E00, 0x9FA6)))
    common = characters.encode("gb2312", "ignore").decode("gb2312")
    refused = 0
    for number in range(10_000 if "NATIONEC_TEST_FULL" in os.environ else 1000):
        name = "".join(order.choices(common, k=order.choice([2, 2, 3, 3, 3, 4])))
        if number % 2:
            name = name[:-1] + order.choice([order.choice(characters), "𠮷", "㐂", "·"])
        simulator.answer(raw=text(patient(userName=name)).encode())
        with pytest.raises(ResponseFormatError, match="UTF-8"):
            client.call(QUERY)
        simulator.answer(raw=text(patient(userName=name)))
        try:
            assert client.call(QUERY).user_name == name
        except ResponseFormatError:
            refused += 1
    assert refused <= number / 250
