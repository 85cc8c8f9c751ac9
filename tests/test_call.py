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

from nationec import IsolatedDll, Simulator, gb18030
from nationec.commands import call, main
from nationec.transactions import TRANSACTIONS

from .conftest import ON_WIRE, PATIENT, WINDOW, answer, on_linux, on_posix

FIELDS = ["--business-type", "01101", "--operatorId", "008", "--operator-name", "TEST"]
FIELDS += ["--office-id", "01", "--officeName", "内科"]
QUERY = ["call", "ec.query", *FIELDS]
SIMULATED = [*QUERY, "--simulate"]
JSON = ["call", "--json", "-", "--simulate"]
PLACE = ["--org-id", "1", "--url", "http://h/localQrCodeQuery"]


class Command:
    """``nationec``, run in this process; ``sent`` is what the simulator was sent by the last run.

    ``stdin`` is bytes, or becomes JSON; all else is what the simulator is told to answer.
    """

    def __init__(self, monkeypatch, capsys):
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *arguments, stdin=b"", **answered):
        simulator = Simulator()
        self.sent = simulator.requests
        if answered:
            simulator.answer(**answered)

        def made(timeout):
            simulator.timeout = timeout
            return simulator

        self.monkeypatch.setattr(call, "Simulator", made)
        stdin = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main([str(argument) for argument in arguments])
        return (status, *self.capsys.readouterr())

    def message(self, stdin, *arguments):
        """What ``--json -`` sent, and stderr."""
        _, _, err = self(*JSON, *arguments, stdin=stdin)
        (sent,) = self.sent
        return sent, err


@pytest.fixture
def nationec(monkeypatch, capsys):
    for name in list(os.environ):
        if name.startswith("NATIONEC_") and name not in ("NATIONEC_TEST_DLLS", "NATIONEC_LANG"):
            monkeypatch.delenv(name)
    return Command(monkeypatch, capsys)


class TestOptions:
    def test_are_sent_and_the_data_is_printed_as_utf_8(self, nationec):
        status, out, err = nationec(*SIMULATED)
        assert (status, err, json.loads(out)["userName"]) == (0, "", "张三")
        assert "张三" in out
        (sent,) = nationec.sent
        assert sent["data"] == {"orgId": "35020319001", **ON_WIRE}

    @pytest.mark.parametrize("request_type", TRANSACTIONS.values(), ids=TRANSACTIONS)
    def test_every_field_has_one_in_both_spellings(self, request_type, nationec, capsys):
        with pytest.raises(SystemExit, match="0"):
            nationec("call", request_type.trans_type, "--help")
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
            assert nationec(*SIMULATED, option, given)[0] == 0
            assert nationec.sent[0]["data"]["photoData"] == "/9j/"

    def test_a_photo_may_be_left_out_and_ext_data_is_an_object(self, nationec):
        check = ["call", "cn.nhsa.auth.check", "--simulate", *FIELDS, "--auth-no", "A1"]
        status, out, _ = nationec(*check, "--ext-data", '{"a": "b"}')
        assert (status, json.loads(out)["authNo"]) == (0, "A1")
        (sent,) = nationec.sent
        assert sent["data"]["extData"] == {"a": "b"}
        assert "photoData" not in sent["data"]

    def test_the_envelope_is_all_of_it(self, nationec):
        scan = ["call", "cn.nhsa.qrcode.get", "--simulate", *FIELDS, "--out-biz-no", "X1"]
        head = {"code": 0, "message": "好", "extra": {"x": 2.5}}
        data = {**PATIENT, "fee": 1.1}
        raw = json.dumps({**head, "orgId": 7, "data": data})
        status, out, _ = nationec(*scan, "--envelope", raw=raw)
        told = json.loads(out)
        assert status == 0
        assert told.pop("data").items() >= data.items()
        head.update(transType="cn.nhsa.qrcode.get", outBizNo="X1", orgId="7")
        assert told == head

    def test_a_dll_has_a_minute_and_64_kib_unless_told(self, nationec, mocker, standin):
        made = mocker.patch("nationec.client.IsolatedDll", wraps=IsolatedDll)
        assert nationec(*QUERY, *PLACE, "--dll", standin)[0] == 0
        given = {"python": None, "timeout": 60.0, "out_buffer_size": 65536}
        made.assert_called_once_with(str(standin), **given)

    def test_may_stand_in_the_environment(self, nationec, monkeypatch, standin):
        monkeypatch.setenv("NATIONEC_URL", "http://h/localQrCodeQuery")
        monkeypatch.setenv("NATIONEC_ORG_ID", "1234567")
        monkeypatch.setenv("NATIONEC_DLL", str(standin))
        assert nationec(*QUERY)[0] == 0
        for name, value, exit_code in (
            ("OUT_BUFFER_SIZE", "100", 7),  # past the end of OutData
            ("RESPONSE_ENCODING", "utf-8", 6),
            ("PYTHON", "no-such-python", 3),
            ("TIMEOUT", "soon", 2),
        ):
            with monkeypatch.context() as changed:
                changed.setenv(f"NATIONEC_{name}", value)
                assert nationec(*QUERY)[0] == exit_code, name
        monkeypatch.setenv("NATIONEC_TIMEOUT", "0.5")
        status, _, err = nationec(*QUERY, "--url", "http://h/sleep=60000")
        assert (status, "within 0.5 s" in err) == (7, True)
        monkeypatch.setenv("NATIONEC_SIMULATE", "1")
        monkeypatch.setenv("NATIONEC_PYTHON", "no-such-python")
        assert nationec(*QUERY)[0] == 0

    def test_a_variable_left_behind_simulates_no_real_window(self, nationec, standin, monkeypatch):
        query = [*QUERY, "--org-id", "1"]
        where = ["--url", "http://h/null", "--dll", standin]
        for value, plain, real in (("1", 0, 4), ("0", 2, 4), ("false", 2, 4)):
            monkeypatch.setenv("NATIONEC_SIMULATE", value)
            assert (nationec(*query)[0], nationec(*query, *where)[0]) == (plain, real)

    def test_one_encoding_in_and_another_out(self, nationec, standin):
        mode = answer({"code": 0, "data": {"name": "张三"}}, "utf-8")
        scan = ["call", "x", "--json", "-", *PLACE, "--dll", standin, "--url", f"http://h/{mode}"]
        assert nationec(*scan, stdin={})[0] == 6
        status, out, _ = nationec(*scan, "--response-encoding", "utf-8", stdin={})
        assert (status, json.loads(out)) == (0, {"name": "张三"})


class TestMessage:
    def test_json_is_a_file_with_either_spelling_and_an_option_goes_before_it(
        self, nationec, tmp_path
    ):
        path = tmp_path / "请求.json"
        for fields in (WINDOW, ON_WIRE):
            path.write_text(json.dumps(fields))
            options = ["--org-id", "777", "--office-name", "外科", "--simulate"]
            status, _, err = nationec("call", "--json", path, "ec.query", *options)
            assert (status, err) == (0, "")
            (sent,) = nationec.sent
            assert sent["data"] == {**ON_WIRE, "orgId": sent["orgId"], "officeName": "外科"}
            assert sent["orgId"] == "777"

    def test_json_is_utf_8_or_gb_18030_or_escaped(self, nationec):
        message = json.dumps({**ON_WIRE, "officeName": "长科㐀"}, ensure_ascii=False)
        raws = [message.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "gb18030")]
        for raw in (*raws, ascii(message)[1:-1].encode()):
            sent, _ = nationec.message(raw, "ec.query")
            assert sent["data"]["officeName"] == "长科㐀", raw

    def test_any_transaction_goes_out_as_it_came(self, nationec):
        data = {"outBizNo": "1", "amount": 12.5, "goods": [{"name": "药", "n": None}], "extra": {}}
        message = {"orgId": "7", "transType": "cn.nhsa.cert.get", "extra": {"a": 1}, "data": data}
        sent, err = nationec.message({**message, "data": {**data, "nothing": None}})
        assert sent == {**message, "data": {"orgId": "7", **data}}
        assert "500021" in err  # which the simulator does not know

    def test_data_that_came_as_text_goes_out_as_text(self, nationec, standin, tmp_path):
        message = {"transType": "x.y", "data": json.dumps({"a": "药"})}
        keep = tmp_path / "kept.json"
        where = [*PLACE, "--dll", standin, "--keep", keep]
        assert nationec("call", "--json", "-", *where, stdin=message)[0] == 0
        in_data = json.loads(json.loads(keep.read_bytes())["inData"])
        assert json.loads(in_data["data"]) == {"orgId": "1", "a": "药"}

    def test_each_extra_stays_where_it_stood(self, nationec):
        fields = {**ON_WIRE, "extra": {"in": "data"}}
        sent, _ = nationec.message(fields, "ec.query")
        assert (sent.get("extra"), sent["data"]["extra"]) == (None, {"in": "data"})
        message = {"transType": "ec.query", "data": fields, "extra": {"a": "b"}}
        for given in (message, {**message, "data": json.dumps(fields)}):
            sent, err = nationec.message(given)
            assert (sent["extra"], sent["data"]["extra"], err) == ({"a": "b"}, {"in": "data"}, "")
        sent, _ = nationec.message(message, "--extra", '{"c": 1}')
        assert sent["extra"] == {"c": 1}

    def test_what_is_not_listed_is_sent_and_told_when_it_looks_like_a_slip(self, nationec):
        for field, value, told in (
            ("gainWay", "FACE", ""),
            ("photo", None, ""),
            ("devicetype", "SelfService", "devicetype is not listed: is it deviceType?"),
            ("businessType", "1101", "businessType 1101 is not listed: is it 01101 (挂号)?"),
        ):
            sent, err = nationec.message({**ON_WIRE, field: value}, "ec.query")
            assert sent["data"].get(field) == value
            assert err == (f"nationec: {told}\n" if told else "")

    def test_a_slip_is_told_beside_what_it_makes_wrong(self, nationec):
        data = {**ON_WIRE, "oficeName": "张三"}
        del data["officeName"]
        status, _, err = nationec(*JSON, "ec.query", stdin=data)
        assert status == 2
        assert "科室名称 officeName: it must be given" in err
        assert "oficeName is not listed: is it officeName?" in err
        assert "张三" not in err

    @pytest.mark.parametrize(
        ("message", "arguments", "said"),
        [
            ({"transType": "x", "orgId": "1", "data": {"orgId": "2"}}, [], "orgId is not the same"),
            ({"transType": "x", "orgId": "1", "data": {}}, ["--org-id", "2"], "orgId is not"),
            ({"transType": "x", "data": {"org_id": "1"}}, ["--org-id", "2"], "orgId is not"),
            ({"transType": "x", "data": {}}, ["y"], "transType is not the same"),
            ({"data": {}}, [], "give TRANS_TYPE"),
            ({"transType": "x", "orgId": "1"}, [], "a message has orgId"),
            ({"transType": "x", "data": {}, "signData": "张三"}, [], "a message has orgId"),
            ({"transType": "x" * 41, "data": {}}, [], "at most 40 characters"),
            ({"transType": 5, "data": {}}, [], "transType: give text"),
            (b"", ["ec.query"], "it is not JSON"),
            ("张三".encode("gbk"), ["ec.query"], "it is not JSON"),
            (b'{"a": NaN}', ["ec.query"], "it is not JSON"),
            (b"\xff\xfe{", ["ec.query"], "neither UTF-8 nor GB 18030"),
            ([], ["ec.query"], "give an object"),
            ({"data": "x"}, ["ec.query"], "data must be an object"),
        ],
    )
    def test_2_is_for_one_at_odds_with_itself(self, nationec, message, arguments, said):
        status, out, err = nationec(*JSON, *arguments, stdin=message)
        assert (status, out, nationec.sent) == (2, "", [])
        assert said in err
        assert "张三" not in err


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
        query = [*SIMULATED, "--timeout", "0.01"]
        status, out, err = nationec(*query, **answered)
        assert (status, out) == (exit_code, "")
        assert re.fullmatch(r"nationec: [^\n]+\[ec\.query\]\n", err)
        status, out, err = nationec(*query, "--json-errors", **answered)
        assert (status, out) == (exit_code, "")
        shown = json.loads(err)
        assert (shown["error"], shown["exitCode"]) == (error, exit_code)
        assert (shown["transType"], shown["outcomeUnknown"]) == ("ec.query", exit_code >= 6)
        assert re.match("医保|未收到结果", shown["forOperator"])
        assert told.items() <= shown.items()

    def test_3_is_for_a_dll_that_is_not_there_which_is_told_once(self, tmp_path):
        query = [*QUERY, *PLACE, "--dll", str(tmp_path / "no.dll"), "--json-errors"]
        command = [sys.executable, "-m", "nationec", *query]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        told = json.loads(done.stderr)  # with nothing beside it
        assert (done.returncode, done.stdout, told["reason"]) == (3, "", "not-found")
        assert "--dll" in told["text"]

    @on_linux
    @pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
    def test_6_is_for_an_answer_that_stdout_does_not_take(self, redirection):
        script = f'exec "$0" -m nationec "$@" {redirection}'
        command = ["sh", "-c", script, sys.executable, *SIMULATED]
        done = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == 6
        pattern = r"nationec: the answer cannot be read: stdout did not take it.*\[ec\.query\]\n"
        assert re.fullmatch(pattern, done.stderr)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["call"], "give TRANS_TYPE, one of ec.query"),
            (["call", "no.such"], "give TRANS_TYPE, one of ec.query"),
            (QUERY, "--url and --org-id"),
            ([*SIMULATED, "--business-type", ""], "businessType: it must not be empty"),
            (["call", "ec.query", "--simulate"], "收款员编号 operatorId: it must be given"),
            ([*SIMULATED, "--json", "no-file"], "--json: no-file: No such file"),
            ([*SIMULATED, "--photo-data", "@no-file"], "--photo-data: no-file: No such file"),
            ([*SIMULATED, "--keep", "no-folder/x"], "--keep: no-folder/x: No such file"),
            ([*SIMULATED, "--extra", "{"], "--extra: it is not JSON"),
            ([*SIMULATED, "--timeout", "0"], "--timeout"),
            ([*SIMULATED, "--timeout", "nan"], "--timeout"),
            ([*SIMULATED, "--timeout", "张三"], "--timeout: give a number"),
            ([*SIMULATED, "--encoding", "张三"], "--encoding: no char* holds JSON in that"),
            ([*SIMULATED, "--response-encoding", "utf-16"], "--response-encoding: no char*"),
            ([*SIMULATED, "--out-buffer-size", "0"], "--out-buffer-size: give a number"),
            ([*SIMULATED, "--keep"], "--keep: a value must follow"),
            ([*SIMULATED, "--user-name", "张三"], "unknown options: --user-name"),
            ([*SIMULATED, "张三"], "an argument too many"),
            ([*SIMULATED, "--operator"], "unknown options: --operator"),
            (["call", "ec.qeury", "--id-no", "张三"], "before its fields, one of ec.query"),
            ([*SIMULATED, "-id张三"], "unknown options: -i"),
            ([*SIMULATED, "--envelope=张三"], "--envelope takes no value"),
        ],
    )
    def test_2_is_for_what_is_wrong_in_itself(self, nationec, arguments, said):
        status, out, err = nationec(*arguments)
        assert (status, out, nationec.sent) == (2, "", [])
        assert re.fullmatch(r"nationec: [^\n]+\n", err)
        assert said in err
        assert "张三" not in err
        for form in ("--json-errors", "--ascii"):
            status, out, shown = nationec(*arguments, form)
            told = json.loads(shown)
            assert (status, out, shown.isascii()) == (2, "", form == "--ascii")
            assert f"nationec: {told['text']}\n" == err
            assert told["outcomeUnknown"] is False
            assert told["forOperator"] == "请求有误，未发送，请联系信息科"


class TestForms:
    def test_ascii_is_json_with_escapes(self, nationec):
        status, out, err = nationec(*SIMULATED, "--ascii")
        assert (status, out.isascii(), err) == (0, True, "")
        assert json.loads(out)["userName"] == "张三"

    def test_a_warning_is_part_of_the_json(self, nationec):
        query = [*SIMULATED, "--business-type", "1101", "--json-errors"]
        status, out, err = nationec(*query)
        assert (status, json.loads(out)["userName"]) == (0, "张三")
        assert list(json.loads(err)) == ["warnings"]
        status, _, err = nationec(*query, code=500004)
        told = json.loads(err)
        assert (status, told["code"], len(told["warnings"])) == (5, 500004, 1)


class TestKeep:
    @pytest.fixture
    def keep(self, nationec, tmp_path, standin):
        def keep(mode):
            path = tmp_path / "kept.json"
            where = [*PLACE, "--dll", standin, "--url", f"http://h/{mode}", "--keep", path]
            status, _, err = nationec(*QUERY, "--office-name", "\u9fb4科", *where)
            return status, err, json.loads(path.read_bytes())

        return keep

    def test_all_of_a_call_that_succeeds(self, keep):
        status, err, kept = keep("localQrCodeQuery")
        assert (status, err, kept["error"]) == (0, "", None)
        assert (kept["transType"], kept["outBizNo"]) == ("ec.query", None)
        assert json.loads(kept["inData"])["data"]["officeName"] == "\u9fb4科"
        assert kept["returnValue"] == "0000"
        assert json.loads(kept["outData"])["data"]["userName"] == "张三"
        for name in ("inData", "returnValue", "outData"):
            raw = base64.b64decode(kept[f"{name}Base64"])
            assert gb18030.decode(raw) == kept[name]

    @pytest.mark.parametrize(
        ("mode", "exit_code", "error", "returned", "out_data"),
        [
            ("null", 4, "ProtocolError", None, (b"", "")),
            (answer(b"\xff\xfe"), 6, "ResponseFormatError", "0000", (b"\xff\xfe", None)),
            ("exit", 7, "DllCrashError", None, (b"", "")),
        ],
    )
    def test_all_of_a_call_that_fails(self, keep, mode, exit_code, error, returned, out_data):
        status, _, kept = keep(mode)
        assert (status, kept["error"]) == (exit_code, error)
        assert json.loads(kept["inData"])["transType"] == "ec.query"
        assert kept["returnValue"] == returned
        assert (kept["returnValueBase64"] is None) == (returned is None)
        assert (base64.b64decode(kept["outDataBase64"]), kept["outData"]) == out_data

    @on_posix  # Windows has the rights of the folder
    def test_only_its_user_can_read_it_also_where_it_was_there_before(self, keep, tmp_path):
        path = tmp_path / "kept.json"
        path.write_text("x" * 9999)
        path.chmod(0o666)
        keep("localQrCodeQuery")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @on_linux
    def test_a_full_disk_is_told_beside_the_answer(self, nationec):
        status, out, err = nationec(*SIMULATED, "--keep", "/dev/full")
        assert (status, json.loads(out)["userName"]) == (0, "张三")
        assert re.fullmatch("nationec: --keep: not all of it was written .*\n", err)


def test_nothing_is_named_that_only_python_has(nationec, standin, tmp_path):
    for arguments in (
        [*QUERY, *PLACE, "--dll", tmp_path / "no.dll"],
        [*QUERY, *PLACE, "--dll", standin, "--python", "no-such-python"],
        [*QUERY, *PLACE, "--dll", standin, "--out-buffer-size", "100"],
        [*QUERY, *PLACE, "--dll", standin, "--encoding", "utf-8"],
        ["call", "cn.nhsa.ec.pwd", *FIELDS, "--mdtrt-cert-type", "01A", "--simulate"],
        [*SIMULATED, "--org-id", "1" * 41],
    ):
        status, _, err = nationec(*arguments)
        assert status != 0
        assert not re.search(r"\b[a-z]+_[a-z_]+\b|[a-z]=|IsolatedDll|error\.", err), err
