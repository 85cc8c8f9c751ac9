"""The worst that a DLL can do, each with what must come of it, here and in another process.

The modes are those of native/standin.c. Nothing may come out wrong: an answer is read as it is
meant, or it is an error of the library that says what is the matter; and the call after it is as
good as any other. Hangs are in test_worker.py, kinds of values in test_transactions.py.
"""

import json
import re
from operator import attrgetter
from typing import NamedTuple

import pytest

from nationec import (
    BusinessError,
    Client,
    DllCrashError,
    DllTransport,
    Exchange,
    IsolatedDll,
    NationEcError,
    ProtocolError,
    ResponseFormatError,
)

from .conftest import PATIENT, QUERY, URL, WINDOWS, answer, hexed

ID_NO = "533222199909090123"
HOSTILE_PATIENT = {**PATIENT, "idNo": ID_NO, "userName": "张三"}
UNKNOWN = {"chnlId": "9", "n": 12, "list": [{}]}
NOT_INTEGERS = ["\x1d\x1f0\x1c\n", 0.5, "0.5", False, True, "ok", "０", [0], {}, 10**10, -(10**10)]


class Expected(NamedTuple):
    """The error or the ``Exchange``, with this in its text, and with these attributes."""

    kind: type
    text: str = ""
    attributes: dict = {}  # noqa: RUF012


def head(**changed):
    return {"code": 0, "data": HOSTILE_PATIENT, **changed}


def patient(**changed):
    return head(data={**HOSTILE_PATIENT, **changed})


def as_json(value, old="", new=""):
    """The JSON text, with a part of it exchanged for what json.dumps would not write."""
    return json.dumps(value, ensure_ascii=False).replace(old, new)


def repeat(count, template):
    """OutData is A, ``count`` times B, C, ``count`` times D, E for the template "A|B|C|D|E"."""
    parts = template.split("|")
    assert len(parts) == 5
    return f"repeat={count}," + ",".join(hexed(part) for part in parts)


def reads(part="data", **values):
    return Expected(Exchange, "", {f"{part}.{name}": value for name, value in values.items()})


def refused(message, code=-2, advice=""):
    text = f"the platform says: {code} .*{advice}" if message else f"no more than code {code}:"
    return Expected(BusinessError, text, {"code": code, "message": message})


def returned(words, **more):
    text = f"returned {re.escape(words) or 'no text'}.*not 0000"
    return Expected(ProtocolError, text, {"return_value": words, **more})


def fails(text="", **attributes):
    return Expected(ResponseFormatError, text, attributes)


def overrun(size):
    text = "wrote past the 65,536 bytes of OutData.*out_buffer_size=.*outcome is unknown"
    return Expected(DllCrashError, text, {"exchange.received": b"x" * size})


READ = reads(user_name="张三", id_no=ID_NO, insu_org="430000")
NOT_JSON = fails("OutData is not JSON")
TOO_DEEP = fails("read: (OutData|data) nests more than 200 levels deep")
EMPTY = fails("OutData is empty")
UTF8 = fails('OutData is UTF-8 and not gb18030: give response_encoding="utf-8"')
NO_CODE = fails("OutData has no code of the platform", missing=("code",))
NO_INTEGER = fails("OutData has no code of the platform", unreadable=("code",))
ENCRYPTED = fails(r"it is encrypted \(encType, encData\)", permanent=True)
NO_FIELDS = fails("missing: idNo, userName; .*kind: ecToken", missing=("idNo", "userName"))
NO_DATA = fails("data is empty; fields", missing=tuple(HOSTILE_PATIENT))
NO_OBJECT = fails("data is not a JSON object")

# The return value, and what is shown of it: text, of JSON the message, of a piece of JSON nothing.
RETURNED = {
    **{text: text for text in ("", "0", "00000", "网络不通", "[10060] 连接超时")},
    **{text: text.strip() for text in (" 0000", "0000\n", "网络不通\r\n")},
    **dict.fromkeys(['["李四"]', '0000{"a":1}', 'serName":"李四"', "李四}", "[" * 300 + '"'], ""),
    "\ufeff网络不通": "网络不通",
    "连接医保前置机失败".encode(): "连接医保前置机失败",
    '{"message":"机构错误","cause":"别的","userName":"李四"}': "机构错误",
    '{"cause":"机构错误","userName":"李四"}': "机构错误",
    '{"message":"","cause":"机构错误"}': "机构错误",
    '{"message":["李四"]}': "",
}

# What answers instead of the platform, and what is said of it.
GATEWAYS = {
    '{"status":404,"error":"Not Found","path":"/x"}': r"no code .*\(Not Found 404\)",
    '{"code":"HTTP404","message":"没有"}': r"no code .*\(没有\)",
    '{"infcode":-1,"err_msg":"机构错误"}': r"no code .*\(机构错误\)",
    '{"code":null,"data":{"userName":"李四"}}': r"no code .*\(no text\)",
    "\n<html>李四</html>": r"web page \(HTML\)",
}

# What OutData is: bytes, text or a value as JSON, and what is expected.
ANSWERS = {
    "OutData is white space": (" \r\n\t", EMPTY),
    # The encoding.
    "UTF-8": (as_json(patient()).encode(), UTF8),
    "UTF-8, the first character beyond the BMP": (as_json(patient(userName="𠀀")).encode(), UTF8),
    "GB 18030 with its BOM": ("\ufeff" + as_json(patient()), READ),
    "GB 18030 that UTF-8 could be as well": (patient(userName="陆茂"), reads(user_name="陆茂")),
    "GB 18030 of 2022": (b'{"code":-2,"message":"\xfe\x59"}', refused("龴")),
    # The text.
    "white space around it": ("\r\n\t " + as_json(patient()) + " \r\n", READ),
    "control characters": (as_json(patient(), "三", "\n\r\t\x01三"), reads(user_name="张    三")),
    "a list": (["李四"], fails("OutData is not a JSON object", permanent=True)),
    "NaN": (as_json(patient(x=float("nan"))), NOT_JSON),
    **{
        f"{raw} in {encoding}": (raw.encode(encoding), fails(told, permanent=True))
        for raw, told in GATEWAYS.items()
        for encoding in ("gb18030", "utf-8")
    },
    # code
    **{f"code is {code!r}": (head(code=code), READ) for code in (0, "0", " 0000 ", 0.0)},
    "code is written as 1e2": ('{"code":1e2}', refused("", 100)),
    "code is written as 1e999999": ('{"code":1e999999}', NO_INTEGER),
    "code of ten digits": (head(code=10**10 - 1, message="x"), refused("x", 10**10 - 1)),
    **{f"code is {code!r}": (head(code=code), NO_INTEGER) for code in NOT_INTEGERS},
    **{f"code is {code!r}": (head(code=code), NO_CODE) for code in (None, "")},
    "code is missing": ({"data": HOSTILE_PATIENT}, NO_CODE),
    # message, cause: the code is judged next, whatever the data is
    "garbage as data": (head(code=77, message="甲", data=[[]]), refused("甲", 77)),
    "garbage as data, and cause": (head(code="77", cause="乙", data="x"), refused("乙", 77)),
    "neither, and an unlisted code": (head(code=77), refused("", 77)),
    "message and cause": (head(code=-2, message="甲", cause="乙"), refused("甲")),
    "message empty, and cause": (head(code=-2, message="", cause="乙"), refused("乙")),
    "a code with advice": (head(code=500004), refused("电子凭证密码错误", 500004, "five wrong")),
    "message is a list": (head(code=-2, message=["甲", 1.5]), refused('["甲",1.5]')),
    "no message of a success": (head(), reads("envelope", message="成功")),
    # data, which is judged last
    "data is a string in a string": (head(data=as_json(as_json(HOSTILE_PATIENT))), READ),
    "data is a string with white space": (head(data=f"\r\n{as_json(HOSTILE_PATIENT)} \t"), READ),
    **{f"data is {data!r}": (head(data=data), NO_OBJECT) for data in (1, 0, False, "张三", [{}])},
    **{f"data is {data!r}": (head(data=data), NO_DATA) for data in ("", None, "null", {})},
    "data is encrypted": ({"code": 0, "encType": "SM4", "encData": "AAAA"}, ENCRYPTED),
    "data lacks and has wrong": (patient(idNo="", userName="null", ecToken=["x"]), NO_FIELDS),
    # Keys.
    "unknown keys": (patient(**UNKNOWN, none=None, x="", y="null"), reads(model_extra=UNKNOWN)),
    "unknown keys in the head": (head(traceId=7), reads("envelope", model_extra={"traceId": 7})),
    "a key twice": (as_json(patient(), '"idNo"', '"userName": "李四", "idNo"'), READ),
    "keys of Python's own": (patient(__class__="x", model_fields="y", __dict__={}), READ),
    # Values.
    "a lone surrogate in the name": (json.dumps(patient(userName="张\udfff")), NOT_JSON),
    "a whole number with a point": (patient(insuOrg=430000.0), READ),
    "40 digits where text is": (patient(gender=10**40), reads(gender=str(10**40))),
    **{f"extra is {it!r}": (patient(extra=it), reads(extra=it)) for it in ([1, "二"], 7, "{")},
    **{f"extra is {it!r}": (patient(extra=it), reads(extra=None)) for it in ("", None, "null")},
    "extra is JSON text": (patient(extra='{"a":[1]}'), reads(extra={"a": [1]})),
    "extra of the head is text": (head(extra='{"a":[1]}'), reads("envelope", extra={"a": [1]})),
    "orgId is an object": (head(orgId={"a": "李四"}), reads("envelope", org_id='{"a":"李四"}')),
}

IN_PATIENT = json.dumps(patient())[:-2]
IN_TEXT = json.dumps(head(data=json.dumps(HOSTILE_PATIENT)))[:-3]

# Name: (count, template, expected). 200 levels can be read.
REPEATED = {
    "a code with more digits than Python reads": (5000, '{"code":|9|||}', fails()),
    "nesting of 10,000 that is never closed": (10_000, "|[|||", TOO_DEEP),
    "nesting of 10,000 in extra as text": (10_000, IN_PATIENT + ',"extra":"|[||]|"}}', TOO_DEEP),
    "nesting of 200 in data that is a string": (199, IN_TEXT + r',\"x\":|[|1|]|}"}', READ),
    "nesting of 201 in data that is a string": (200, IN_TEXT + r',\"x\":|[|1|]|}"}', TOO_DEEP),
    "nesting of 200 in all": (198, IN_PATIENT + ',"extra":|[|1|]|}}', READ),
    "nesting of 201 in all": (199, IN_PATIENT + ',"extra":|[|1|]|}}', TOO_DEEP),
    "nesting of 200 in the orgId": (199, IN_PATIENT + '},"orgId":|[|1|]|}', READ),
}

# Name: (mode, expected), here and in another process.
CASES = {
    # The return value, which is judged first: only 0000 is success.
    **{ascii(it): ("return=" + hexed(it), returned(words)) for it, words in RETURNED.items()},
    "NULL": ("null", Expected(ProtocolError, "returned NULL", {"return_value": None})),
    "half a character at its end": ("return=" + hexed("错误")[:-2], returned("错\ufffd")),
    "it is OutData": ("outreturn=" + hexed("异常"), returned("异常", out_data="异常")),
    "it and OutData say why": ("refuse=" + hexed("超时"), returned("-1", out_data="超时")),
    **{name: (answer(out), expected) for name, (out, expected) in ANSWERS.items()},
    **{name: (repeat(*some), expected) for name, (*some, expected) in REPEATED.items()},
    # The buffers.
    "OutData is untouched": ("untouched", EMPTY),
    "OutData has no terminator": ("unterminated=65536", NOT_JSON),
    "OutData's terminator is one byte past it": ("fill=65536", overrun(65536)),
    "OutData is twice as long": ("unterminated=131000", overrun(131_000)),
}
FAULT = Expected(DllCrashError, "access violation.*outcome" if WINDOWS else "outcome is unknown")
LEFT = {"exchange.received": b"before the crash" if WINDOWS else b""}
FAULTS = {
    "an access violation": ("crash", FAULT._replace(attributes=LEFT)),
    "a return value that points nowhere": ("pointer=16", FAULT),
}
if WINDOWS:  # where an access violation is an exception
    CASES.update(FAULTS)
# In another process only.
FATAL = {
    **FAULTS,
    "exit": ("exit=3", Expected(DllCrashError, r"ended its process \(exit code 3\)")),
}
ISOLATED = {**CASES, **FATAL}


@pytest.fixture(scope="module")
def in_process(standin):
    return DllTransport(standin)


@pytest.fixture(scope="module")
def isolated(standin):
    with IsolatedDll(standin, timeout=60) as transport:
        yield transport


def assert_as_expected(transport, mode, expected):
    client = Client(URL + mode, "1234567", transport=transport)
    try:
        result = client.exchange(QUERY)
    except NationEcError as error:
        result = error
        assert (error.trans_type, error.exchange.error) == ("ec.query", error)
        assert error.exchange.data is None
        if isinstance(error, ResponseFormatError):
            assert (error.__context__, len(str(error)) < 300) == (None, True)
    assert type(result) is expected.kind, str(result)
    assert re.search(expected.text, str(result), re.DOTALL), str(result)
    for attribute, value in expected.attributes.items():
        assert attrgetter(attribute)(result) == value, attribute
    next_one = Client(URL + "localQrCodeQuery", "1234567", transport=transport).exchange(QUERY)
    assert (next_one.data.user_name, next_one.envelope.message) == ("张三", "处理成功")


@pytest.mark.parametrize(("mode", "expected"), CASES.values(), ids=CASES)
def test_in_this_process(in_process, mode, expected):
    assert_as_expected(in_process, mode, expected)


@pytest.mark.parametrize(("mode", "expected"), ISOLATED.values(), ids=ISOLATED)
def test_in_a_process_of_its_own(isolated, mode, expected):
    """The process is replaced after a crash only."""
    isolated.start()
    process = isolated._process
    assert_as_expected(isolated, mode, expected)
    assert (isolated._process is not process) == (expected.kind is DllCrashError)
