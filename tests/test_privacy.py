"""Nothing that names a patient is in any text that the library makes by itself."""

import base64
import contextlib
import copy
import gc
import io
import json
import logging
import pickle
import subprocess
import sys
import traceback
import warnings

import pytest
from pydantic import ValidationError

from nationec import (
    AuthCheckRequest,
    BusinessError,
    Client,
    DllCrashError,
    DllTransport,
    EcPwdRequest,
    EcQueryRequest,
    IsolatedDll,
    NationEcError,
    ProtocolError,
    QrcodeGetRequest,
    ResponseFormatError,
    Simulator,
    call,
)
from nationec.cli import main
from nationec.transports import binding

from . import test_hostile
from .conftest import URL

PHOTO = b"\xff\xd8\xffphoto of the patient"
SECRETS = {
    "id_no": "110101198001019999",
    "user_name": "欧阳无名",
    "ec_token": "TOKENTOKEN0123456789",
    "ec_index_no": "INDEX0123456789",
    "birthday": "1980-01-01",
    "gender": "女性",
    "nationality": "某国籍",
    "email": "nobody@example.invalid",
    "auth_no": "AUTHNO0123456789",
    "photo_data": base64.b64encode(PHOTO).decode(),
    "operator_name": "收款员甲",
    "unlisted": "UNLISTEDVALUE",
    "extra": "EXTRAVALUE",
}
PATIENT = {
    "idNo": SECRETS["id_no"],
    "idType": "01",
    "userName": SECRETS["user_name"],
    "ecToken": SECRETS["ec_token"],
    "insuOrg": "430000",
    "ecIndexNo": SECRETS["ec_index_no"],
    "gender": SECRETS["gender"],
    "birthday": SECRETS["birthday"],
    "nationality": SECRETS["nationality"],
    "email": SECRETS["email"],
    "authNo": SECRETS["auth_no"],
    "pwdFlag": "1",
    "chnlId": SECRETS["unlisted"],
    "extra": {"x": SECRETS["extra"]},
}
WINDOW = {
    "business_type": "01101",
    "operator_id": "008",
    "operator_name": SECRETS["operator_name"],
    "office_id": "01",
    "office_name": "内科",
    "extra": {"x": SECRETS["extra"]},
}
MORE = {"photo_data": PHOTO, "ext_data": {"x": SECRETS["unlisted"]}}
REQUESTS = [
    EcQueryRequest(**WINDOW, photo_data=PHOTO),
    QrcodeGetRequest(**WINDOW, **MORE),
    AuthCheckRequest(**WINDOW, **MORE, auth_no=SECRETS["auth_no"]),
    EcPwdRequest(
        **WINDOW,
        id_no=SECRETS["id_no"],
        id_type="01",
        user_name=SECRETS["user_name"],
        ec_token=SECRETS["ec_token"],
        mdtrt_cert_type="01A",
        ext_data={"x": SECRETS["unlisted"]},
    ),
]
FULL = {"code": 0, "message": "处理成功", "data": PATIENT}
BROKEN = {
    **PATIENT,
    "idType": [SECRETS["id_no"]],
    "userName": {"x": SECRETS["user_name"]},
    "pwdFlag": [SECRETS["id_no"]],
}

# What the platform answers, and what comes of it.
ANSWERS = {
    "success": (FULL, "0000", None),
    "refusal": ({**FULL, "code": 500004, "message": "电子凭证密码错误"}, "0000", BusinessError),
    "return value": (FULL, "-1", ProtocolError),
    "NULL": (FULL, None, ProtocolError),
    "patient in the return value": ("", json.dumps(FULL, ensure_ascii=False), ProtocolError),
    "cut patient in the return value": ("", json.dumps(FULL, ensure_ascii=False)[:-20], ProtocolError),
    "request in the return value": ("", json.dumps({"data": SECRETS}, ensure_ascii=False), ProtocolError),
    "cut off": (json.dumps(FULL, ensure_ascii=False)[:-20], "0000", ResponseFormatError),
    "wrong encoding": (json.dumps(FULL, ensure_ascii=False).encode("gb18030") + b"\xff", "0000", ResponseFormatError),
    "wrong kinds": ({"code": 0, "data": BROKEN}, "0000", ResponseFormatError),
    "data missing": ({"code": 0, "userName": SECRETS["user_name"]}, "0000", ResponseFormatError),
    "code is the name": ({**FULL, "code": SECRETS["user_name"]}, "0000", ResponseFormatError),
    "overrun": (json.dumps(FULL, ensure_ascii=False) + " " * 4096, "0000", DllCrashError),
}


def assert_no_secret(*texts):
    for text in texts:
        for name, secret in SECRETS.items():
            for form in (secret, ascii(secret)[1:-1], repr(secret.encode("gb18030"))[2:-1]):
                assert form not in text, name


def everything_said_of(thing):
    yield repr(thing)
    yield str(thing)
    yield f"{thing}"


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.trans_type)
@pytest.mark.parametrize("case", ANSWERS)
def test_no_text_of_a_call_names_the_patient(request_, case, caplog, capsys, recwarn):
    answer, return_value, expected = ANSWERS[case]
    raw = answer if isinstance(answer, (str, bytes)) else json.dumps(answer, ensure_ascii=False)
    simulator = Simulator(out_buffer_size=4096)
    simulator.answer(raw=raw, return_value=return_value)
    caplog.set_level(logging.DEBUG)

    def hook(exchange):
        said.extend(everything_said_of(exchange))
        raise RuntimeError(SECRETS["user_name"])

    said = []
    client = Client("http://h", "1234567", transport=simulator, on_exchange=hook)
    said.extend(everything_said_of(request_))
    said.extend(everything_said_of(client))
    try:
        exchange = client.exchange(request_)
        assert expected is None
        said.extend(everything_said_of(exchange.data))
        said.extend(everything_said_of(exchange.envelope))
    except NationEcError as error:
        assert type(error) is expected
        said.append(traceback.format_exc())
        said.extend(everything_said_of(error))
        said.extend(everything_said_of(error.args))
        said.extend(everything_said_of(error.exchange))
        said.append(repr(pickle.dumps(error)))
        said.append(pickle.dumps(error).decode("utf-8", "ignore"))
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert (type(again), str(again), again.out_biz_no) == (type(error), str(error), error.out_biz_no)
            said.append(repr(vars(again)))
    assert_no_secret(*said, caplog.text, *capsys.readouterr(), *(str(warning.message) for warning in recwarn))
    assert not simulator._binding._out.raw.rstrip(b"\0").strip(b"\xff").strip(b"\0")


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.trans_type)
def test_no_validation_error_shows_its_input(request_):
    fields = request_.model_dump()
    for name in (*fields, "unknown"):
        for wrong in (SECRETS["user_name"] * 20_000, [SECRETS["user_name"]], {"x": {SECRETS["user_name"]}}):
            with io.StringIO() as stream:
                try:
                    type(request_)(**{**fields, name: wrong})
                except ValueError as error:
                    traceback.print_exc(file=stream)
                    assert_no_secret(str(error), repr(error), stream.getvalue())
                else:
                    assert name in ("extra", "ext_data")


def test_the_platforms_own_message_is_shown_as_it_came(client, simulator, query):
    simulator.answer(code=-1, message=f"{SECRETS['user_name']}：凭证已失效")
    with pytest.raises(BusinessError, match=f"{SECRETS['user_name']}：凭证已失效"):
        client.call(query)


# The hostile cases, with requests that hold every secret; and the patients in their answers.
ANSWERED = {
    "id_no answered": "533222199909090123",
    "name answered": "张三",
    "another name": "李四",
    "a third": "阿卜杜",
}


def everything_said_of_an_error(error):
    """Also of what it was raised after, which ``from None`` hides from tracebacks and from nothing else."""
    while error is not None:
        yield from everything_said_of(error)
        yield repr(error.args)
        yield "".join(traceback.format_exception(type(error), error, error.__traceback__))
        yield logging.Formatter().formatException((type(error), error, error.__traceback__))
        error = error.__cause__ or error.__context__


def everything_kept_of_an_error(error):
    yield from (repr(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))
    yield from (pickle.dumps(error, protocol).decode("utf-8", "ignore") for protocol in (0, pickle.HIGHEST_PROTOCOL))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        yield from everything_said_of_an_error(again)
        yield repr(vars(again))


def assert_nothing_is_said(transport, mode, request_, caplog):
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    said = []

    def hook(exchange):
        said.extend(everything_said_of(exchange))
        said.extend(everything_said_of([exchange, exchange.data, exchange.envelope, exchange.request]))
        raise RuntimeError(exchange.sent + exchange.received)

    client = Client(URL + mode, "1234567", transport=transport, on_exchange=hook)
    try:
        exchange = client.exchange(request_)
    except NationEcError as error:
        said.extend(everything_said_of_an_error(error))
        said.extend(everything_kept_of_an_error(error))
        exchange = error.exchange
    said.extend(everything_said_of([client, exchange, exchange.data, exchange.envelope, exchange.request]))
    said = [text.replace(repr(URL + mode), "").replace(URL + mode, "") for text in (*said, caplog.text)]
    assert_no_secret(*said)
    for name, secret in ANSWERED.items():
        assert not [text for text in said if secret in text or ascii(secret)[1:-1] in text], name


@pytest.mark.parametrize("name", test_hostile.IN_PROCESS)
@pytest.mark.usefixtures("_state_of_the_process")
def test_no_text_of_a_hostile_call_names_anybody_and_the_buffers_hold_nothing(standin, name, caplog, capfd, recwarn):
    transport = DllTransport(standin)
    for request_ in REQUESTS:
        assert_nothing_is_said(transport, test_hostile.CASES[name].mode, request_, caplog)
        assert transport._binding._out.raw.strip(b"\0") == binding.GUARD
    assert_no_secret(*capfd.readouterr(), *(str(warning.message) for warning in recwarn))


@pytest.fixture(scope="module")
def isolated(standin):
    with IsolatedDll(standin, timeout=60) as transport:
        yield transport


_state_of_the_process = test_hostile._state_of_the_process


@pytest.mark.parametrize("name", test_hostile.CASES)
def test_no_text_of_a_hostile_call_in_another_process_names_anybody(isolated, name, caplog, capfd):
    case = test_hostile.CASES[name]
    isolated.timeout = case.timeout or 60
    for request_ in REQUESTS[:1] if case.ends_the_process else REQUESTS:
        assert_nothing_is_said(isolated, case.mode, request_, caplog)
    assert_no_secret(*capfd.readouterr())


def test_the_copies_that_the_dll_is_given_are_wiped(standin, mocker):
    made = []
    real = binding.ctypes.create_string_buffer

    def keep(*arguments):
        made.append(real(*arguments))
        return made[-1]

    mocker.patch.object(binding.ctypes, "create_string_buffer", keep)
    transport = DllTransport(standin)
    at_load = len(made)
    for mode in ("localQrCodeQuery", "inplace", "null", "fill=70000"):
        client = Client(URL + mode, "1234567", transport=transport)
        for request_ in REQUESTS:
            with contextlib.suppress(NationEcError):
                client.call(request_)
        with contextlib.suppress(NationEcError):
            client.call(REQUESTS[0].model_copy(update={"photo_data": "QUJD" * 1000}))  # too long for the block's room
    assert len(made) - at_load == 4
    assert [buffer for buffer in made[at_load:] if buffer.raw.strip(b"\0")] == []
    assert made[0].raw.strip(b"\0") == binding.GUARD


def test_an_error_of_the_other_process_is_not_shown_as_it_came(isolated, capfd):
    for secret in SECRETS.values():
        with pytest.raises(DllCrashError, match="outcome is unknown") as caught:
            isolated.exchange(secret, secret)  # text, and no bytes: what serves over there fails
        assert_no_secret(*everything_said_of_an_error(caught.value), *everything_kept_of_an_error(caught.value))
    gc.collect()  # of a channel whose error nobody has asked for, execnet shows it
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_encoded_is_not_shown(simulator):
    client = Client("http://h", "1234567", transport=simulator, encoding="ascii")
    for request_ in REQUESTS:
        with pytest.raises(ValueError, match="ascii does not have") as caught:
            client.call(request_)
        assert_no_secret(*everything_said_of_an_error(caught.value))
    with pytest.raises(ValueError, match="org_id") as caught:
        Client("http://h", SECRETS["user_name"] + "\ud800", transport=simulator)
    assert_no_secret(*everything_said_of_an_error(caught.value))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.trans_type)
def test_no_validation_error_holds_its_input(request_):
    """Not in errors(), json() or a pickle either, which end up in logs and in queues."""
    fields = request_.model_dump()
    secret = SECRETS["user_name"]
    wrongs = [
        secret * 20_000,
        [secret],
        {secret: object()},
        f"{secret}\0",
        f"{secret}\ud800",
        f"data:{secret}",
        secret.encode(),
    ]
    for name in (*fields, "unknown", "operator_nane"):
        for wrong in wrongs:
            try:
                type(request_)(**{**fields, name: wrong})
            except ValidationError as error:
                said = [str(error), repr(error), repr(error.errors()), error.json(), repr(pickle.dumps(error))]
                assert_no_secret(*said, *everything_said_of_an_error(error))


def test_a_request_that_was_changed_to_what_it_cannot_be_warns_of_nothing(client, query):
    changed = query.model_copy(update={"operator_name": [SECRETS["user_name"]], "photo_data": 5})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            client.call(changed)
        except NationEcError as error:
            assert_no_secret(str(error))
    assert seen == []


def test_public_objects_in_containers_and_formats_show_nobody(client, simulator, capsys):
    simulator.answer(data=PATIENT, message="好")
    exchange = client.exchange(REQUESTS[0])
    things = [client, simulator, exchange, exchange.request, exchange.data, exchange.envelope]
    print(things, {"x": things}, tuple(things), *things)
    for thing in things:
        print(f"{thing!r:>10} {thing!s:>10}", "%s %r" % (thing, thing), ascii(thing))  # noqa: UP031
        assert_no_secret(
            *(repr(argument) for argument in getattr(thing, "__rich_repr__", list)() if thing is not client)
        )
    assert_no_secret(*capsys.readouterr())


def test_an_error_that_nobody_catches_names_nobody(standin):
    modes = ["inreturn=0", "echo", "null", "untouched", "outtail=20", test_hostile.answer(b"{\xff"), "fill=70000"]
    program = f"""
import logging, sys
logging.basicConfig(level=logging.DEBUG)
sys.path[:0] = {sys.path!r}
from tests.test_privacy import REQUESTS
from nationec import Client
for mode in sys.argv[2:]:
    client = Client({URL!r} + mode, "1234567", dll=sys.argv[1])
    for request in REQUESTS:
        try:
            client.call(request)
        except Exception:
            logging.exception("failed")
            sys.excepthook(*sys.exc_info())
client.call(REQUESTS[0])
"""
    ran = subprocess.run([sys.executable, "-c", program, str(standin), *modes], capture_output=True)
    assert ran.returncode == 1
    assert ran.stderr.count(b"DEBUG:nationec:ec.query") == len(modes) + 1
    for encoding in ("utf-8", "gbk"):
        for text in (ran.stdout, ran.stderr):
            said = text.decode(encoding, "replace")
            for mode in modes:
                said = said.replace(URL + mode, "")
            assert_no_secret(said)


@pytest.mark.parametrize("mode", ["inreturn", "incopy"])
def test_no_piece_of_a_request_is_taken_for_the_dlls_own_words(standin, mode):
    transport = DllTransport(standin)
    for request_ in REQUESTS:
        try:
            Client(URL + "echo", "1234567", transport=transport).call(request_)
        except ResponseFormatError as error:
            length = len(error.exchange.sent)
        for start in range(0, length, 1 if length < 2000 else length // 1000):
            piece = f"{mode}={start}" + (",17" if mode == "incopy" else "")
            with pytest.raises(ProtocolError) as caught:
                Client(URL + piece, "1234567", transport=transport).call(request_)
            said = str(caught.value).replace(caught.value.out_biz_no or "", "")  # which may have any digits in it
            for part in ("欧阳", "无名", "NOBODY", "nobody", "1980", "TOKEN", "110101", "收款", "款员"):
                assert part not in said, (start, said)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("网络不通", "网络不通"),
        ("-1", "-1"),
        ("1", "1"),
        ("1001", "1001"),
        ("[10060] 连接超时", "[10060] 连接超时"),
        ('错误: "url" 不通', '错误: "url" 不通'),
        ('返回：{"data":{"userName":"李四"}}', "返回："),
        ('{"message":"机构错误","userName":"李四"}', "机构错误"),
        ('{"userName":"李四"', ""),
        ('["李四"]', ""),
        ('四","ecToken":"T"}', ""),
        ('李四"}}', ""),
        ('\\"李四\\"}"', ""),
    ],
)
def test_words_are_shown_and_json_is_not(dll, query, words, shown):
    for mode in ("return=", "refuse="):
        with pytest.raises(ProtocolError) as caught:
            dll(mode + words.encode("gbk").hex()).call(query)
        assert (caught.value.return_value if mode == "return=" else caught.value.out_data) == shown
        assert "李四" not in str(caught.value)


def options(request_):
    """The command line that makes this request."""
    yield request_.trans_type
    for name, value in request_:
        if value is not None and name != "org_id":
            yield f"--{name.replace('_', '-')}"
            yield json.dumps(value) if isinstance(value, dict) else str(value)


def said_by_the_command(capfdbinary, *arguments):
    """Its exit code, and all that it wrote."""
    try:
        code = main(["call", *map(str, arguments)])
    except SystemExit as end:
        code = end.code
    written = b"\n".join(capfdbinary.readouterr())
    return code, *(written.decode(encoding, "replace") for encoding in ("utf-8", "gb18030"))


@pytest.mark.parametrize("name", test_hostile.IN_PROCESS)
@pytest.mark.usefixtures("_state_of_the_process")
def test_the_command_names_nobody_unless_that_is_its_answer(standin, name, capfdbinary, mocker):
    mocker.patch.object(call, "find_spec", return_value=None)  # a process of its own for each would take its time
    mode, expected, *_ = test_hostile.CASES[name]
    for request_ in REQUESTS[:1] if isinstance(expected, test_hostile.Reads) else REQUESTS:
        for more in ((), ("--json-errors",)):
            code, *said = said_by_the_command(
                capfdbinary, *options(request_), *more, "--url", URL + mode, "--org-id", "1", "--dll", standin
            )
            assert code in ((0,) if isinstance(expected, test_hostile.Reads) else (4, 5, 6, 7))
            assert "Traceback" not in said[0]
            assert_no_secret(*said)
            if code:
                assert not [text for text in said for secret in ANSWERED.values() if secret in text]


def test_the_command_does_not_repeat_what_it_refuses(capfdbinary, tmp_path):
    for request_ in REQUESTS:
        given = list(options(request_))
        values = [place for place, text in enumerate(given) if place and not text.startswith("--")]
        for wrong in (lambda text: text + "\0", lambda text: text * 3000, lambda text: text + "\ud800"):
            for place in values:
                changed = [*given[:place], wrong(given[place]), *given[place + 1 :]]
                assert_no_secret(*said_by_the_command(capfdbinary, *changed, "--simulate", "--timeout", "0.001")[1:])
        for option in ("--user-nane", "--i", "--o", "--photo"):
            for form in ([option, SECRETS["user_name"]], [f"{option}={SECRETS['user_name']}"], [SECRETS["user_name"]]):
                code, *said = said_by_the_command(capfdbinary, *given, *form)
                assert code == 2
                assert_no_secret(*said)
    for text in (SECRETS["user_name"], f'{{"userName":"{SECRETS["user_name"]}"', f'["{SECRETS["id_no"]}"]'):
        (tmp_path / "message.json").write_text(text, "utf-8")
        code, *said = said_by_the_command(capfdbinary, "ec.query", "--json", tmp_path / "message.json")
        assert code == 2
        assert_no_secret(*said)
