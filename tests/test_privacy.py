"""Nothing that names a patient is in any text that the library makes, in either language.

What the platform (``message``) and the DLL wrote for people is shown as it came.
"""

import base64
import json
import linecache
import logging
import pickle
from functools import partial

import pytest
from pydantic import ValidationError

from nationec import AnyRequest, Client, DllTransport, NationEcError
from nationec.transactions import TRANSACTIONS
from nationec.transports import memory

from . import conftest, test_hostile
from .conftest import URL, answer, hexed

PHOTO = b"\xff\xd8\xffphoto of the patient"
NAME, NUMBER, TOKEN = "欧阳无名", "110101198001019999", "TOKENTOKEN0123456789"
BASE64, OPERATOR, OTHER = base64.b64encode(PHOTO).decode(), "收款员甲", "UNLISTEDVALUE"
SECRETS = [NAME, NUMBER, TOKEN, BASE64, OPERATOR, OTHER, "1980-01-01", "nobody@example.invalid"]
SECRETS += ["张三", "李四", "533222199909090123"]  # in the hostile cases
FORMS = {
    form
    for secret in SECRETS
    for form in (secret, ascii(secret)[1:-1], repr(secret.encode("gb18030"))[2:-1])
}

FIELDS = {**conftest.COMMON, **conftest.INSURED, "operator_name": OPERATOR, "photo_data": PHOTO}
FIELDS.update(id_no=NUMBER, user_name=NAME, auth_no=TOKEN, ec_token=TOKEN)
FIELDS["ext_data"] = {"x": OTHER, NAME: [NUMBER]}


def request_of(request_type):
    names = set(request_type.model_fields) - {"org_id", "out_biz_no", "device_type"}
    unknown = names - set(FIELDS)
    assert not unknown, f"give FIELDS a value for {unknown} of {request_type.__name__}"
    return request_type(**{name: FIELDS[name] for name in names})


REQUESTS = [
    *map(request_of, TRANSACTIONS.values()),
    AnyRequest("cn.example.own", userName=NAME, idNo=NUMBER, data={"x": [TOKEN]}),
]

SOMEBODY = {**conftest.PATIENT, "idNo": NUMBER, "userName": NAME, "ecToken": TOKEN}
SOMEBODY.update(birthday="1980-01-01", email="nobody@example.invalid", authNo=TOKEN, pwdFlag="1")
SOMEBODY.update({"extra": {"x": OTHER}, "chnlId": OTHER, NAME: OTHER, NUMBER: OTHER})
BROKEN = {**SOMEBODY, "idType": [NUMBER], "userName": {"x": NAME}, "authNo": [1], "pwdFlag": [NAME]}
FULL = {"code": 0, "message": "处理成功", "data": SOMEBODY}
TEXT = json.dumps(FULL, ensure_ascii=False)
PAST_OUT_DATA = test_hostile.repeat(65_536, f"|x|{TEXT}||")

# What the DLL does, besides the hostile cases.
FAILURES = {
    "a refusal": answer({**FULL, "code": 500004, "message": "电子凭证密码错误"}),
    "code -3": answer({**FULL, "code": -3}),
    "the patient, and -1": "refuse=" + hexed(TEXT),
    "the patient is the return value": "return=" + hexed(TEXT),
    "a piece of the patient is the return value": "return=" + hexed(TEXT[-90:]),
    "the patient, cut off": answer(TEXT[:-20]),
    "the patient in no encoding": answer(TEXT.encode("gb18030") + b"\xff"),
    "wrong kinds": answer({"code": 0, "data": BROKEN}),
    "code is the name": answer({**FULL, "code": NAME}),
    "OutData is InData": "echo",
    "the patient stands past OutData": PAST_OUT_DATA,
}
MODES = {
    "the patient": answer(FULL),
    "orgId is the patient": answer({**FULL, "orgId": SOMEBODY}),
    **FAILURES,
    **{name: mode for name, (mode, _) in test_hostile.CASES.items()},
}
OUT_OF_PROCESS = {
    "the patient stands past OutData": PAST_OUT_DATA,
    "a call past the deadline": "sleep=60000",
    **{name: mode for name, (mode, _) in test_hostile.FATAL.items()},
}

in_process, isolated = test_hostile.in_process, test_hostile.isolated


@pytest.fixture(autouse=True, params=["en", "zh"])
def _in_each_language(request, monkeypatch):
    monkeypatch.setenv("NATIONEC_LANG", request.param)
    # A traceback looks at each file anew, which takes a Windows under Wine 5 ms.
    monkeypatch.setattr(linecache, "checkcache", lambda filename=None: None)


def assert_nobody_in(where, *texts):
    text = "\n".join(texts)
    for form in FORMS:
        assert form not in text, where


def said_of(*things):
    for thing in things:
        yield from (repr(thing), str(thing))
        if hasattr(thing, "__rich_repr__"):
            yield from map(repr, thing.__rich_repr__())


def said_of_an_error(error):
    """Also of what it was raised after, which ``from None`` hides from tracebacks alone."""
    yield logging.Formatter().formatException((type(error), error, error.__traceback__))
    while error is not None:
        yield from said_of(error, error.args, getattr(error, "exchange", None))
        yield getattr(error, "for_operator", "")
        if isinstance(error, ValidationError):
            yield from (repr(error.errors()), error.json())
        pickled = pickle.dumps(error)
        yield from (repr(pickled), pickled.decode("utf-8", "ignore"), str(pickle.loads(pickled)))
        error = error.__cause__ or error.__context__


def said_of_a_call(transport, mode, request_):
    def hook(exchange):
        said.extend(said_of(exchange, exchange.request, exchange.data, exchange.envelope))
        raise RuntimeError(exchange.sent + exchange.received)

    said = []
    client = Client(URL + mode, "1234567", transport=transport, on_exchange=hook)
    try:
        exchange = client.exchange(request_, extra={"x": NAME})
    except NationEcError as error:
        said.extend(said_of_an_error(error))
        exchange = error.exchange
    said.extend(said_of(client, exchange, exchange.request, exchange.data, exchange.envelope))
    return said


def test_no_text_of_a_call_names_anybody(in_process, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    for name, mode in MODES.items():
        for request_ in REQUESTS:
            said = said_of_a_call(in_process, mode, request_)
            assert_nobody_in(f"{name}: {request_}", *said)
        assert_nobody_in(f"{name}: the log", caplog.text, *capfd.readouterr())
        caplog.clear()


@pytest.mark.parametrize("name", OUT_OF_PROCESS)
def test_no_text_of_an_isolated_call_names_anybody(isolated, name, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    mode = OUT_OF_PROCESS[name]
    isolated.start()
    isolated.timeout = 0.3 if "sleep" in mode else 60
    said = said_of_a_call(isolated, mode, REQUESTS[3])
    assert_nobody_in(name, *said, caplog.text, *capfd.readouterr())


def test_the_copies_that_the_dll_is_given_are_wiped(standin, mocker):
    wipe = mocker.spy(memory.Memory, "wipe")
    transport = DllTransport(standin)
    for mode in ("localQrCodeQuery", "inplace", "null", "fill=70000", "echo"):
        for request_ in REQUESTS:
            said_of_a_call(transport, mode, request_)
    crash = OSError("exception: access violation writing 0x00000000")
    mocker.patch.object(transport._binding, "_function", side_effect=crash)
    said_of_a_call(transport, "", REQUESTS[0])
    assert wipe.call_count == 5 * len(REQUESTS) + 1
    blocks = [call.args[0]._block for call in wipe.call_args_list]
    assert {bytes(block.strip(b"\0")) for block in blocks} == {b"", memory.GUARD}


def test_no_validation_error_holds_its_input():
    """Not in ``errors()``, ``json()`` or a pickle either: they end up in logs and queues."""
    wrongs = [NAME * 20_000, [NAME], {NAME: object()}, NAME + "\0", NAME + "\ud800", "data:" + NAME]
    wrongs += [None, NAME.encode(), object(), float("nan"), {int(NUMBER): 1}, {NUMBER.encode(): 1}]
    given = {type(request_): dict(request_) for request_ in REQUESTS}
    given[partial(AnyRequest, "own")] = given.pop(AnyRequest)
    given[REQUESTS[0].response_type] = SOMEBODY
    for make, fields in given.items():
        for name in (*fields, "unknown", "operator_nane"):
            for wrong in wrongs:
                try:
                    make(**{**fields, name: wrong})
                except ValidationError as error:
                    assert_nobody_in(f"{make}: {name}", *said_of_an_error(error))


def test_what_cannot_be_changed_or_sent_is_not_shown(simulator):
    ascii_only = Client("http://h", "1", transport=simulator, encoding="ascii")
    call = Client("http://h", "1", transport=simulator).call
    for request_ in REQUESTS:
        for refused in (
            *(partial(setattr, request_, name, NAME) for name in (*dict(request_), "unknown")),
            partial(ascii_only.call, request_),
            partial(call, request_.model_copy(update={"org_id": object()})),
            partial(call, request_.model_copy(update={"org_id": NAME + "\ud800"})),
            *(partial(call, request_, extra={NAME: wrong}) for wrong in (object(), "\ud800")),
            partial(call, request_, extra=NAME * 2049),
            partial(call, dict(request_)),
            partial(type(request_).model_validate_json, '{"operatorName": "' + NAME),
        ):
            with pytest.raises((ValueError, TypeError, AttributeError)) as caught:
                refused()
            assert_nobody_in(f"{refused}", *said_of_an_error(caught.value))
    assert simulator.requests == []


CALL = ("call", "--json", "-")


@pytest.mark.parametrize("name", FAILURES)
def test_the_command_that_fails_names_nobody(standin, name, nationec):
    where = ["cn.nhsa.ec.pwd", "--url", URL + MODES[name], "--org-id", "1", "--dll", standin]
    message = REQUESTS[3].model_dump_json(exclude_none=True).encode()
    for more in ([], ["--json-errors"]):
        code, *said = nationec(*CALL, *where, *more, stdin=message)
        assert code in (4, 5, 6, 7)
        assert "Traceback" not in said[1]
        assert_nobody_in(name, *said)


def test_the_command_repeats_nothing_that_it_refuses(nationec):
    options = [NAME, f"--user-nane={NAME}", f"--photo={NAME}"]
    texts = [NAME, f'{{"userName":"{NAME}"', f'["{NUMBER}"]', f'{{"data":"{NAME}"}}']
    refused = [(["ec.query", option], "{}") for option in options]
    refused += [(["ec.query"], text) for text in texts]
    for request_ in REQUESTS[:5]:
        data = request_.model_dump(mode="json", exclude_none=True)
        for name in data:
            for wrong in (NAME + "\0", NAME * 3000, NAME + "\ud800", [NAME]):
                refused.append(([request_.trans_type], json.dumps({**data, name: wrong})))
    for arguments, text in refused:
        code, *said = nationec(*CALL, "--simulate", *arguments, stdin=text.encode())
        if code:  # longer text and an extension may go out
            assert_nobody_in(f"{arguments} {text}", *said)
