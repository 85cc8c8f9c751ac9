"""``nationec call``: what it takes, what it sends, what it says, and its exit codes."""

import base64
import io
import json
import os
import re
import stat
import subprocess
import sys

import pytest

from nationec import Simulator
from nationec.commands import call, main
from nationec.terminal import REQUESTS

from .conftest import PATIENT, answer

WINDOW = ["--business-type", "01101", "--operatorId", "008", "--operator-name", "收款员"]
FIELDS = [*WINDOW, "--office-id", "1", "--officeName", "内科"]
QUERY = ["call", "ec.query", "--simulate", *FIELDS]
DATA = {
    "businessType": "01101",
    "operator_id": "1",
    "operatorName": "n",
    "officeId": "1",
    "officeName": "f",
}
PLACE = ["--url", "http://h/localQrCodeQuery", "--org-id", "1"]


@pytest.fixture
def nationec(monkeypatch, mocker):
    """Runs the command in this process; gives its exit code and what it wrote, as UTF-8."""
    for name in list(os.environ):
        if name.startswith("NATIONEC_") and name not in ("NATIONEC_TEST_DLLS", "NATIONEC_LANG"):
            monkeypatch.delenv(name)

    def run(*arguments, simulator=None, stdin=b""):
        if simulator is not None:
            mocker.patch.object(call, "Simulator", return_value=simulator)
        mocker.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        streams = {}
        for name in ("stdout", "stderr"):
            streams[name] = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
            mocker.patch.object(sys, name, streams[name])
        status = main([str(argument) for argument in arguments])
        for stream in streams.values():
            stream.flush()
        return (status, *(stream.buffer.getvalue().decode() for stream in streams.values()))

    return run


@pytest.fixture
def sent(nationec):
    """Runs ``nationec call --json -`` on a message; gives what was sent, and stderr."""

    def run(message, *arguments):
        simulator = Simulator()
        stdin = message if isinstance(message, bytes) else json.dumps(message).encode()
        arguments = ["call", "--json", "-", "--simulate", *arguments]
        _, _, err = nationec(*arguments, simulator=simulator, stdin=stdin)
        assert simulator.requests, err
        return simulator.requests[-1], err

    return run


class TestOptions:
    def test_the_data_is_printed_as_utf_8(self, nationec):
        status, out, err = nationec(*QUERY)
        assert (status, err) == (0, "")
        assert json.loads(out)["userName"] == "张三"
        assert "张三" in out

    def test_what_the_options_say_is_sent(self, nationec, simulator):
        nationec(*QUERY, simulator=simulator)
        (sent,) = simulator.requests
        assert sent["data"] == {
            "orgId": "35020319001",
            "businessType": "01101",
            "operatorId": "008",
            "operatorName": "收款员",
            "officeId": "1",
            "officeName": "内科",
        }

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("request_type", REQUESTS.values(), ids=REQUESTS)
    def test_every_field_has_an_option_in_both_spellings(
        self, request_type, capsys, monkeypatch, language
    ):
        monkeypatch.setenv("NATIONEC_LANG", language)
        with pytest.raises(SystemExit, match="0"):
            main(["call", request_type.trans_type, "--help"])
        shown = capsys.readouterr().out
        squeezed = re.sub(r"\s", "", shown)
        for name, field in request_type.model_fields.items():
            assert f"--{name.replace('_', '-')}" in shown
            assert f"--{field.alias}" in shown
            told = field.description.partition("\n")[0]
            assert re.sub(r"\s", "", told) in squeezed or name == "org_id"

    def test_a_photo_is_a_file_or_base64(self, nationec, tmp_path):
        face = tmp_path / "face.jpg"
        face.write_bytes(b"\xff\xd8\xff")
        for option, given in (("--photo-data", f"@{face}"), ("--photoData", "/9j/")):
            simulator = Simulator()
            assert nationec(*QUERY, option, given, simulator=simulator)[0] == 0
            assert simulator.requests[0]["data"]["photoData"] == "/9j/"

    def test_a_photo_may_be_left_out_and_ext_data_is_an_object(self, nationec, simulator):
        check = ["call", "cn.nhsa.auth.check", "--simulate", *FIELDS, "--auth-no", "A1"]
        status, out, _ = nationec(*check, "--ext-data", '{"a": "b"}', simulator=simulator)
        assert (status, json.loads(out)["authNo"]) == (0, "A1")
        (sent,) = simulator.requests
        assert sent["data"]["extData"] == {"a": "b"}
        assert "photoData" not in sent["data"]

    def test_the_envelope_is_all_of_it(self, nationec, simulator):
        scan = ["call", "cn.nhsa.qrcode.get", "--simulate", *FIELDS, "--out-biz-no", "X1"]
        raw = '{"code": 0, "message": "好", "orgId": 7, "extra": {"x": 1.5}, "data": %s}'
        simulator.answer(raw=raw % "null")
        assert nationec(*scan, "--envelope", simulator=simulator)[0] == 6
        simulator = Simulator()
        simulator.answer(raw=raw % json.dumps(PATIENT))
        status, out, _ = nationec(*scan, "--envelope", simulator=simulator)
        told = json.loads(out)
        assert (status, told.pop("data").items() >= PATIENT.items()) == (0, True)
        head = {"code": 0, "message": "好", "orgId": "7", "extra": {"x": 1.5}}
        assert told == {"transType": "cn.nhsa.qrcode.get", "outBizNo": "X1", **head}

    def test_numbers_with_a_point_stay_numbers(self, nationec, simulator):
        raw = json.dumps({"code": 0, "data": PATIENT})[:-2]
        simulator.answer(raw=raw + ', "fee": 1.10}, "extra": {"x": 2.50}}')
        status, out, _ = nationec(*QUERY, "--envelope", simulator=simulator)
        told = json.loads(out)
        assert (status, told["data"]["fee"], told["extra"]) == (0, 1.1, {"x": 2.5})

    def test_a_dll_has_a_minute_and_64_kib_unless_told(self, nationec, mocker, standin):
        made = mocker.patch.object(call, "IsolatedDll", wraps=call.IsolatedDll)
        assert nationec("call", "ec.query", *FIELDS, *PLACE, "--dll", standin)[0] == 0
        given = {"python": None, "timeout": 60.0, "out_buffer_size": 65536}
        made.assert_called_once_with(str(standin), **given)

    def test_every_setting_may_stand_in_the_environment(self, nationec, monkeypatch, standin):
        query = ["call", "ec.query", *FIELDS]
        monkeypatch.setenv("NATIONEC_URL", "http://h/localQrCodeQuery")
        monkeypatch.setenv("NATIONEC_ORG_ID", "1234567")
        monkeypatch.setenv("NATIONEC_DLL", str(standin))
        assert nationec(*query)[0] == 0
        monkeypatch.setenv("NATIONEC_OUT_BUFFER_SIZE", "100")
        assert nationec(*query)[0] == 7  # past the end of OutData
        monkeypatch.delenv("NATIONEC_OUT_BUFFER_SIZE")
        monkeypatch.setenv("NATIONEC_RESPONSE_ENCODING", "utf-8")
        assert nationec(*query)[0] == 6
        monkeypatch.setenv("NATIONEC_PYTHON", "no-such-python")
        assert nationec(*query)[0] == 3
        monkeypatch.setenv("NATIONEC_TIMEOUT", "0.5")
        python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
        status, _, err = nationec(*query, "--python", python, "--url", "http://h/sleep=60000")
        assert (status, "within 0.5 s" in err) == (7, True)
        monkeypatch.setenv("NATIONEC_SIMULATE", "1")
        assert nationec(*query)[0] == 0
        monkeypatch.setenv("NATIONEC_SIMULATE", "0")
        assert nationec(*query)[0] == 3
        monkeypatch.setenv("NATIONEC_TIMEOUT", "soon")
        assert nationec(*query)[0] == 2

    def test_a_variable_that_was_left_behind_simulates_no_real_window(
        self, nationec, standin, monkeypatch
    ):
        query = ["call", "ec.query", *FIELDS, "--org-id", "1"]
        where = ["--url", "http://h/null", "--dll", standin]
        for value, plain, real in (("1", 0, 4), ("0", 2, 4), ("false", 2, 4)):
            monkeypatch.setenv("NATIONEC_SIMULATE", value)
            assert (nationec(*query)[0], nationec(*query, *where)[0]) == (plain, real)

    def test_one_encoding_in_and_another_out(self, nationec, standin):
        mode = answer({"code": 0, "data": {"name": "张三"}}, "utf-8")
        where = ["--dll", standin, "--url", f"http://h/{mode}", "--org-id", "1"]
        scan = ["call", "x", "--json", "-", *where]
        assert nationec(*scan, stdin=b"{}")[0] == 6
        status, out, _ = nationec(*scan, "--response-encoding", "utf-8", stdin=b"{}")
        assert (status, json.loads(out)) == (0, {"name": "张三"})


class TestMessage:
    @pytest.mark.parametrize("option", ["-", "file"])
    @pytest.mark.parametrize("whole", ["fields", "message", "message with data as text"])
    def test_json_is_the_fields_or_a_message(self, nationec, simulator, tmp_path, option, whole):
        message = {"orgId": "777", "transType": "ec.query", "data": DATA, "extra": {"a": 1}}
        arguments, office = [], "f"
        if whole == "fields":
            message = DATA
            arguments = ["ec.query", "--org-id", "777", "--office-name", "内科"]
            office = "内科"  # an option goes before the file
        elif whole != "message":
            message["data"] = json.dumps(DATA)
        raw = b"\xef\xbb\xbf" + json.dumps(message, ensure_ascii=False).encode()
        if option == "file":
            option = tmp_path / "请求.json"
            option.write_bytes(raw)
        arguments = ["call", "--json", option, *arguments, "--simulate"]
        status, _, err = nationec(*arguments, simulator=simulator, stdin=raw)
        assert (status, err) == (0, "")
        (sent,) = simulator.requests
        assert (sent["orgId"], sent["data"]["orgId"]) == ("777", "777")
        assert sent["data"]["officeName"] == office
        assert sent.get("extra") == (None if whole == "fields" else {"a": 1})

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_json_is_utf_8_or_gb_18030(self, sent, encoding):
        message = json.dumps({**DATA, "officeName": "内科㐀"}, ensure_ascii=False)
        message, _ = sent(message.encode(encoding), "ec.query")
        assert message["data"]["officeName"] == "内科㐀"

    def test_any_transaction_goes_out_as_it_came(self, sent):
        data = {"outBizNo": "1", "amount": 12.5, "goods": [{"name": "药", "n": None}], "extra": {}}
        message = {"orgId": "7", "transType": "cn.nhsa.cert.get", "extra": {"a": 1}, "data": data}
        got, err = sent({**message, "data": {**data, "nothing": None}})
        assert got == {**message, "data": {"orgId": "7", **data}}
        assert "500021" in err  # which the simulator does not know

    def test_data_that_came_as_text_goes_out_as_text(self, nationec, standin, tmp_path):
        message = {"transType": "x.y", "orgId": "1", "data": json.dumps({"a": "药"})}
        keep = tmp_path / "kept.json"
        where = ["--dll", standin, "--url", "http://h/localQrCodeQuery", "--keep", keep]
        stdin = json.dumps(message).encode()
        assert nationec("call", "--json", "-", *where, stdin=stdin)[0] == 0
        in_data = json.loads(json.loads(keep.read_bytes())["inData"])
        assert json.loads(in_data["data"]) == {"orgId": "1", "a": "药"}

    def test_each_extra_stays_where_it_stood(self, sent):
        message = {"transType": "ec.query", "data": {**DATA, "extra": {}}, "extra": {"a": "b"}}
        got, err = sent(message)
        assert (got["extra"], got["data"]["extra"], err) == ({"a": "b"}, {}, "")
        got, _ = sent({**DATA, "extra": {"in": "data"}}, "ec.query")
        assert (got.get("extra"), got["data"]["extra"]) == (None, {"in": "data"})
        got, _ = sent(message, "--extra", '{"c": 1}')
        assert got["extra"] == {"c": 1}

    def test_an_unlisted_field_is_passed_on_and_told_when_it_looks_like_a_slip(self, sent):
        got, err = sent({**DATA, "gainWay": "FACE", "infoFrom": 1, "photo": None}, "ec.query")
        assert (got["data"]["gainWay"], got["data"]["infoFrom"], err) == ("FACE", 1, "")
        got, err = sent({**DATA, "devicetype": "SelfService"}, "ec.query")
        assert got["data"]["devicetype"] == "SelfService"
        assert err == "nationec: devicetype is not listed: is it deviceType?\n"

    def test_a_slip_is_told_beside_what_it_makes_wrong(self, nationec):
        data = {**DATA, "oficeName": "张三"}
        del data["officeName"]
        arguments = ["call", "ec.query", "--json", "-", "--simulate"]
        status, _, err = nationec(*arguments, stdin=json.dumps(data).encode())
        assert status == 2
        assert "科室名称 officeName: it must be given" in err
        assert "oficeName is not listed: is it officeName?" in err
        assert "张三" not in err

    def test_a_code_that_lost_its_zero_is_sent_and_told(self, sent):
        got, err = sent({**DATA, "businessType": "1101"}, "ec.query")
        assert got["data"]["businessType"] == "1101"
        assert err == "nationec: businessType 1101 is not listed: is it 01101 (挂号)?\n"

    @pytest.mark.parametrize(
        ("message", "arguments", "said"),
        [
            ({"transType": "x", "orgId": "1", "data": {"orgId": "2"}}, [], "orgId is not the same"),
            ({"transType": "x", "orgId": "1", "data": {}}, ["--org-id", "2"], "orgId is not"),
            ({"transType": "x", "data": {"org_id": "1"}}, ["--org-id", "2"], "orgId is not"),
            ({"transType": "x", "data": {}}, ["y"], "transType is not the same"),
            ({"data": {}}, [], "give TRANS_TYPE"),
            ({"a": "b"}, [], "give TRANS_TYPE"),
            ({"transType": "x", "a": "b"}, [], "a message has orgId"),
            ({"transType": "x", "data": {}, "signData": "张三"}, [], "a message has orgId"),
            ({"transType": "x" * 41, "data": {}}, [], "at most 40 characters"),
            ({"transType": 5, "data": {}}, [], "transType: give text"),
        ],
    )
    def test_2_is_for_a_message_at_odds_with_itself(self, nationec, message, arguments, said):
        simulator = Simulator()
        arguments = ["call", "--json", "-", "--simulate", *arguments]
        stdin = json.dumps(message).encode()
        status, out, err = nationec(*arguments, simulator=simulator, stdin=stdin)
        assert (status, out, simulator.requests) == (2, "", [])
        assert said in err
        assert "张三" not in err

    @pytest.mark.parametrize(
        "stdin",
        [b"{", b"[]", b'"x"', b'{"data": "x"}', b'{"data": []}', b'{"a": NaN}', b"", b"\xff\xfe{"],
    )
    def test_2_is_for_json_that_is_none(self, nationec, stdin):
        simulator = Simulator()
        arguments = ["call", "ec.query", "--json", "-", "--simulate"]
        assert nationec(*arguments, simulator=simulator, stdin=stdin)[0] == 2
        assert nationec(*arguments, stdin="张三".encode("gbk"))[0] == 2
        assert simulator.requests == []


class TestExitCodes:
    @pytest.mark.parametrize(
        ("answered", "exit_code", "error", "told"),
        [
            ({"return_value": "-1", "raw": "网络"}, 4, "ProtocolError", {"returnValue": "-1"}),
            ({"code": 500004}, 5, "BusinessError", {"code": 500004, "message": "电子凭证密码错误"}),
            ({"raw": "<html>"}, 6, "ResponseFormatError", {"missing": [], "unreadable": []}),
            ({"raw": '{"code":0,"data":{"idNo":"1"}}'}, 6, "ResponseFormatError", {}),
            ({"delay": 9}, 7, "DllTimeoutError", {}),
            ({"crash": True}, 7, "DllCrashError", {}),
        ],
    )
    def test_of_a_call_that_fails(self, nationec, answered, exit_code, error, told):
        def simulator():
            simulator = Simulator(timeout=0.01)
            simulator.answer(**answered)
            return simulator

        status, out, err = nationec(*QUERY, simulator=simulator())
        assert (status, out) == (exit_code, "")
        assert re.fullmatch(r"nationec: [^\n]+\[ec\.query\]\n", err)
        status, out, err = nationec(*QUERY, "--json-errors", simulator=simulator())
        assert (status, out) == (exit_code, "")
        shown = json.loads(err)
        assert (shown["error"], shown["exitCode"]) == (error, exit_code)
        assert (shown["transType"], shown["outcomeUnknown"]) == ("ec.query", exit_code >= 6)
        assert re.match("医保|未收到结果", shown["forOperator"])
        assert told.items() <= shown.items()

    def test_3_is_for_a_dll_that_is_not_there(self, nationec, tmp_path):
        query = ["call", "ec.query", *FIELDS, *PLACE, "--dll", tmp_path / "no.dll"]
        for more in ([], ["--timeout", "5"]):
            status, _, err = nationec(*query, *more, "--json-errors")
            assert (status, json.loads(err)["reason"]) == (3, "not-found")
            assert "--dll" in json.loads(err)["text"]

    def test_7_is_for_a_dll_that_ends_the_process_too(self, nationec, standin):
        query = ["call", "ec.query", *FIELDS, "--org-id", "1", "--dll", standin]
        for mode in ("exit", "exit=3", "abort"):
            status, out, err = nationec(*query, "--url", f"http://h/{mode}")
            assert (status, out, "outcome is unknown" in err) == (7, "", True)
        status, out, _ = nationec(*query, "--url", "http://h/localQrCodeQuery")
        assert (status, json.loads(out)["userName"]) == (0, "张三")

    @pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
    @pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
    def test_6_is_for_an_answer_that_stdout_does_not_take(self, redirection):
        command = f'exec "$0" -m nationec "$@" {redirection}'
        command = ["sh", "-c", command, sys.executable, *QUERY]
        done = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == 6
        pattern = r"nationec: the answer cannot be read: stdout did not take it.*\[ec\.query\]\n"
        assert re.fullmatch(pattern, done.stderr)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["call"], "give TRANS_TYPE, one of ec.query"),
            (["call", "no.such"], "give TRANS_TYPE, one of ec.query"),
            (["call", "ec.query", *FIELDS], "--url and --org-id"),
            ([*QUERY, "--business-type", ""], "用码业务类型 businessType: it must not be empty"),
            (["call", "ec.query", "--simulate"], "收款员编号 operatorId: it must be given"),
            ([*QUERY, "--json", "no-such-file"], "--json: no-such-file: No such file"),
            ([*QUERY, "--photo-data", "@no-such-file"], "--photo-data: no-such-file: No such file"),
            ([*QUERY, "--keep", "no-such-folder/x"], "--keep: no-such-folder/x: No such file"),
            ([*QUERY, "--extra", "{"], "--extra: it is not JSON"),
            ([*QUERY, "--timeout", "0"], "--timeout"),
            ([*QUERY, "--timeout", "nan"], "--timeout"),
            ([*QUERY, "--timeout", "张三"], "--timeout: give a number"),
            ([*QUERY, "--encoding", "张三"], "--encoding: no char* holds JSON in that"),
            ([*QUERY, "--response-encoding", "utf-16"], "--response-encoding: no char*"),
            ([*QUERY, "--out-buffer-size", "0"], "--out-buffer-size: give a number"),
            ([*QUERY, "--keep"], "--keep: a value must follow"),
            ([*QUERY, "--user-name", "张三"], "unknown options: --user-name"),
            ([*QUERY, "张三"], "an argument too many"),
            ([*QUERY, "--operator"], "unknown options: --operator"),
            (["call", "ec.qeury", "--id-no", "张三"], "before its fields, one of ec.query"),
            (["call", "--json", "-", "--id-no", "张三"], "give TRANS_TYPE"),
            ([*QUERY, "-id张三"], "unknown options: -i"),
            ([*QUERY, "--envelope=张三"], "--envelope takes no value"),
            ([*QUERY, "--business-type", "9999999"], "at most 5 characters"),
            (["--user-name", "张三", "demo"], "choose from demo, call"),
            (["no-such-command"], "choose from demo, call"),
        ],
    )
    @pytest.mark.parametrize("form", ["line", "--json-errors", "--ascii"])
    def test_2_is_for_what_is_wrong_in_itself(self, nationec, arguments, said, form):
        more = [form] if form != "line" and arguments[:1] == ["call"] else []
        status, out, err = nationec(*arguments, *more)
        assert (status, out) == (2, "")
        assert "张三" not in err
        if err.startswith("{"):
            assert json.loads(err)["outcomeUnknown"] is False
            assert json.loads(err)["forOperator"] == "请求有误，未发送，请联系信息科"
            assert err.isascii() == ("--ascii" in more)
            err = json.loads(err)["text"]
        else:
            assert re.fullmatch(r"nationec: [^\n]+\n", err)
        assert said in err


class TestForms:
    def test_ascii_is_json_with_escapes_on_both_streams(self, nationec, simulator):
        status, out, err = nationec(*QUERY, "--ascii")
        assert (status, out.isascii(), err) == (0, True, "")
        assert json.loads(out)["userName"] == "张三"
        simulator.answer(code=500004)
        status, out, err = nationec(*QUERY, "--ascii", simulator=simulator)
        assert (status, out, err.isascii()) == (5, "", True)
        assert json.loads(err)["message"] == "电子凭证密码错误"

    def test_a_warning_is_part_of_the_json(self, nationec):
        query = [*QUERY, "--business-type", "1101", "--json-errors"]
        status, out, err = nationec(*query)
        assert (status, json.loads(out)["userName"]) == (0, "张三")
        assert list(json.loads(err)) == ["warnings"]
        simulator = Simulator()
        simulator.answer(code=500004)
        status, _, err = nationec(*query, simulator=simulator)
        assert (status, json.loads(err)["code"]) == (5, 500004)
        assert len(json.loads(err)["warnings"]) == 1

    def test_a_failed_call_is_told_once(self, tmp_path):
        query = ["call", "ec.query", *FIELDS, *PLACE, "--dll", tmp_path / "no.dll"]
        command = [sys.executable, "-m", "nationec", *map(str, query)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        assert (done.returncode, done.stdout) == (3, "")
        assert re.fullmatch(r"nationec: [^\n]+\n", done.stderr)


class TestKeep:
    def kept(self, nationec, tmp_path, standin, mode, *more):
        path = tmp_path / "kept.json"
        where = ["--dll", standin, "--url", f"http://h/{mode}", "--org-id", "1", "--keep", path]
        status, _, err = nationec("call", "ec.query", *FIELDS, *where, *more)
        return status, err, json.loads(path.read_bytes())

    def test_all_of_a_call_that_succeeds(self, nationec, tmp_path, standin):
        mode = "localQrCodeQuery"
        status, err, kept = self.kept(nationec, tmp_path, standin, mode)
        assert (status, err, kept["error"]) == (0, "", None)
        assert (kept["transType"], kept["outBizNo"]) == ("ec.query", None)
        assert json.loads(kept["inData"])["data"]["officeName"] == "内科"
        assert kept["returnValue"] == "0000"
        assert json.loads(kept["outData"])["data"]["userName"] == "张三"
        for name in ("inData", "returnValue", "outData"):
            raw = base64.b64decode(kept[f"{name}Base64"])
            assert raw.decode("gb18030") == kept[name]

    @pytest.mark.parametrize(
        ("mode", "exit_code", "error", "received"),
        [
            ("null", 4, "ProtocolError", b""),
            (answer(b"\xff\xfe"), 6, "ResponseFormatError", b"\xff\xfe"),
            ("exit", 7, "DllCrashError", b""),
        ],
    )
    def test_all_of_a_call_that_fails(
        self, nationec, tmp_path, standin, mode, exit_code, error, received
    ):
        status, _, kept = self.kept(nationec, tmp_path, standin, mode)
        assert (status, kept["error"]) == (exit_code, error)
        assert json.loads(kept["inData"])["transType"] == "ec.query"
        assert base64.b64decode(kept["outDataBase64"]) == received
        assert kept["outData"] == (None if received else "")
        if mode == "null":
            assert kept["returnValue"] is kept["returnValueBase64"] is None

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has the rights of the folder")
    def test_only_its_user_can_read_it_also_where_it_was_there_before(
        self, nationec, tmp_path, standin
    ):
        path = tmp_path / "kept.json"
        path.write_text("x" * 9999)
        path.chmod(0o666)
        self.kept(nationec, tmp_path, standin, "localQrCodeQuery")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_is_opened_before_anything_is_sent(self, nationec, tmp_path):
        simulator = Simulator()
        status, _, err = nationec(*QUERY, "--keep", tmp_path, simulator=simulator)
        assert (status, simulator.requests) == (2, [])
        assert "--keep: " in err

    @pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
    def test_a_full_disk_is_told_beside_the_answer(self, nationec):
        status, out, err = nationec(*QUERY, "--keep", "/dev/full")
        assert (status, json.loads(out)["userName"]) == (0, "张三")
        assert re.fullmatch("nationec: --keep: not all of it was written .*\n", err)


class TestWords:
    def test_nothing_is_named_that_only_python_has(self, nationec, standin, tmp_path):
        query = ["call", "ec.query", *FIELDS]
        small = ["--dll", standin, "--out-buffer-size", "100"]
        cases = [
            [*query, *PLACE, "--dll", tmp_path / "no.dll"],
            [*query, *PLACE, "--dll", standin, "--python", "no-such-python"],
            [*query, *PLACE, *small],
            [*query, *PLACE, "--dll", standin, "--encoding", "utf-8"],
            ["call", "cn.nhsa.ec.pwd", *FIELDS, "--mdtrt-cert-type", "01A", "--simulate"],
            [*query, "--simulate", "--org-id", "1" * 41],
        ]
        for case in cases:
            status, _, err = nationec(*case)
            assert status != 0
            assert not re.search(r"\b[a-z]+_[a-z_]+\b|[a-z]=|IsolatedDll|error\.", err), err
