"""``nationec call``: what it takes, what it sends, what it says, and its exit codes."""

import json
import re
import signal
import stat
import subprocess
import sys
import time

import pytest

from nationec import Simulator
from nationec.commands import call

from .conftest import COMMON, INSURED, ON_WIRE, PATIENT, answer, hexed, on_linux, on_posix

CALL = ["call", "--json", "-"]
CALL_QUERY = [*CALL, "ec.query"]
SIMULATED = [*CALL_QUERY, "--simulate"]
FULL = json.dumps({"code": 0, "data": {**PATIENT, "userName": "张三"}}, ensure_ascii=False)


@pytest.fixture
def nationec(nationec):
    """The same: ``stdin`` is bytes, or becomes JSON."""

    def run(*arguments, stdin=ON_WIRE):
        stdin = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
        return nationec(*arguments, stdin=stdin)

    return run


@pytest.fixture
def at(standin):
    """The options for the stand-in in a mode."""

    def at(mode="localQrCodeQuery"):
        return ["--org-id", "1", "--dll", str(standin), "--url", f"http://h/{mode}"]

    return at


@pytest.fixture
def message(nationec, tmp_path):
    """What ``--json -`` sends, and stderr."""

    def message(stdin, *arguments):
        keep = tmp_path / "kept.json"
        _, _, err = nationec(*CALL, "--simulate", "--keep", keep, *arguments, stdin=stdin)
        assert keep.exists(), err
        return json.loads(json.loads(keep.read_bytes())["inData"]), err

    return message


class TestSettings:
    def test_a_dll_has_a_minute_and_64_kib_unless_told(self, nationec, mocker):
        run = mocker.spy(call, "run")
        nationec(*SIMULATED)
        (arguments,) = run.call_args.args
        assert (arguments.timeout, arguments.out_buffer_size) == (60, 65536)
        _, shown, _ = nationec("call", "--help")
        assert "deadline, 60 s by default" in shown
        assert "65536 bytes by default" in shown

    def test_may_stand_in_the_environment_with_the_quotes_and_blanks_of_cmd(
        self, nationec, monkeypatch, standin
    ):
        assert "give --url and --org-id" in nationec(*CALL_QUERY)[2]
        monkeypatch.setenv("NATIONEC_URL", ' "http://h/localQrCodeQuery" ')
        monkeypatch.setenv("NATIONEC_ORG_ID", "1234567 ")
        monkeypatch.setenv("NATIONEC_DLL", f'"{standin}"')
        monkeypatch.setenv("NATIONEC_TIMEOUT", "")
        message = {"orgId": "1234567", "transType": "ec.query ", "data": ON_WIRE}
        assert nationec(*CALL, stdin=message)[0] == 0
        monkeypatch.setenv("NATIONEC_TIMEOUT", "0.5")
        status, _, err = nationec(*CALL_QUERY, "--url", "http://h/sleep=60000")
        assert (status, "within 0.5 s" in err) == (7, True)
        monkeypatch.setenv("NATIONEC_PYTHON", "no-such-python")
        assert nationec(*CALL_QUERY)[0] == 3

    def test_one_encoding_in_and_another_out(self, nationec, at):
        scan = [*CALL, "x", *at(answer({"code": 0, "data": {"name": "张三"}}, "utf-8"))]
        assert nationec(*scan)[0] == 6
        status, out, _ = nationec(*scan, "--response-encoding", "utf-8")
        assert (status, json.loads(out)) == (0, {"name": "张三"})


class TestMessage:
    def test_is_a_file_with_either_spelling(self, message, tmp_path):
        path = tmp_path / "请求.json"
        for fields in (COMMON, ON_WIRE):
            path.write_text(json.dumps({**fields, "orgId": ""}))
            sent, err = message(b"", "--json", path, "ec.query", "--org-id", "777")
            assert (sent["data"], err) == ({"orgId": "777", **ON_WIRE}, "")

    def test_is_utf_8_or_gb_18030_or_escaped(self, message):
        fields = json.dumps({**ON_WIRE, "officeName": "长科㐀"}, ensure_ascii=False)
        raws = [fields.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "gb18030")]
        for raw in (*raws, ascii(fields)[1:-1].encode()):
            assert message(raw, "ec.query")[0]["data"]["officeName"] == "长科㐀", raw

    def test_of_any_transaction_goes_out_as_it_came(self, message):
        data = {"outBizNo": "1", "amount": 12.5, "goods": [{"name": "药", "n": None}], "extra": {}}
        data["trans_type"] = "a field of its own"
        whole = {"orgId": "7", "transType": "cn.example.own", "extra": {"a": 1}, "data": data}
        sent, err = message({**whole, "data": {**data, "nothing": None}})
        assert sent == {**whole, "data": {"orgId": "7", **data}}
        assert "500021" in err  # which the simulator does not know

    def test_whose_data_came_as_text_goes_out_as_text(self, message):
        sent, _ = message({"transType": "x.y", "data": json.dumps({"a": "药"})})
        assert json.loads(sent["data"]) == {"orgId": "1", "a": "药"}

    def test_whose_field_is_null_goes_out_as_if_it_lacked_the_field(self, message):
        sent, _ = message({**COMMON, **INSURED, "extData": None}, "cn.nhsa.ec.pwd")
        assert sent["data"]["extData"] == {}

    def test_each_extra_stays_where_it_stood(self, message):
        fields = {**ON_WIRE, "extra": {"in": "data"}}
        sent, _ = message(fields, "ec.query")
        assert (sent.get("extra"), sent["data"]["extra"]) == (None, {"in": "data"})
        for data in (fields, json.dumps(fields)):
            sent, _ = message({"transType": "ec.query", "data": data, "extra": {"a": "b"}})
            assert (sent["extra"], sent["data"]["extra"]) == ({"a": "b"}, {"in": "data"})

    @pytest.mark.parametrize(
        ("field", "value", "warning"),
        [
            ("gainWay", "FACE", ""),
            ("devicetype", "SelfService", "devicetype is not listed: is it deviceType?"),
            ("businessType", "1101", "businessType=1101 is not listed, 01101 (挂号) is"),
            ("operatorId", "1" * 36, "operatorId has 36 characters, the standard's table has 20"),
            ("officeName", "内　科" * 20, "officeName has 60 characters"),
        ],
    )
    def test_that_may_have_a_slip_is_sent_with_a_warning(self, message, field, value, warning):
        sent, err = message({**ON_WIRE, field: value}, "ec.query")
        assert sent["data"].get(field) == value
        assert (warning in err, err.count("\n")) == (True, bool(warning))


class TestExitCodes:
    @pytest.mark.parametrize(
        ("mode", "exit_code", "error", "facts"),
        [
            ("refuse=" + hexed("网络"), 4, "ProtocolError", {"returnValue": "-1"}),
            (answer({"code": 500004}), 5, "BusinessError", {"message": "电子凭证密码错误"}),
            (answer("<html>"), 6, "ResponseFormatError", {"permanent": True}),
            ("exit", 7, "DllCrashError", {"reason": "ended"}),
        ],
    )
    def test_of_a_call_that_fails(self, nationec, at, mode, exit_code, error, facts):
        status, out, err = nationec(*CALL_QUERY, *at(mode), "--json-errors")
        assert (status, out) == (exit_code, "")
        shown = json.loads(err)
        assert shown["text"].endswith(" [ec.query]")
        assert (shown["error"], shown["exitCode"]) == (error, exit_code)
        assert (shown["transType"], shown["outcomeUnknown"]) == ("ec.query", exit_code >= 6)
        assert re.match("医保|未收到结果", shown["forOperator"])
        assert facts.items() <= shown.items()

    @on_linux
    @pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
    def test_6_is_for_an_answer_that_stdout_does_not_take(self, redirection):
        script = f'exec "$0" -m nationec "$@" {redirection}'
        command = ["sh", "-c", script, sys.executable, *SIMULATED]
        request = json.dumps(ON_WIRE)
        done = subprocess.run(command, input=request, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == 6
        pattern = r"nationec: stdout did not take the answer .*\[ec\.query\]\n"
        assert re.fullmatch(pattern, done.stderr)

    @on_posix
    def test_2_is_for_a_request_from_a_closed_stdin(self):
        command = ["sh", "-c", 'exec "$0" -m nationec "$@" <&-', sys.executable, *SIMULATED]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        assert (done.returncode, "cannot read -: " in done.stderr) == (2, True)

    @pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="an old Python")
    def test_6_is_for_an_answer_that_python_does_not_print(self, nationec, at):
        limit = sys.get_int_max_str_digits()
        try:
            sys.set_int_max_str_digits(640)
            for number in ("9" * 700, "1e400"):
                mode = answer(FULL.replace('"张三"', '"张三","n":' + number))
                assert nationec(*CALL_QUERY, *at(mode))[:2] == (6, "")
        finally:
            sys.set_int_max_str_digits(limit)

    @pytest.fixture
    def interrupted(self, tmp_path):
        """Runs the command, with a Ctrl-C once ``path`` exists."""

        def interrupted(path, *arguments):
            request = tmp_path / "request.json"
            request.write_text(json.dumps(ON_WIRE))
            command = [sys.executable, "-m", "nationec", "call", "ec.query", "--json", request]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
            with subprocess.Popen([*command, *arguments], **pipes) as process:
                while not path.exists():
                    assert process.poll() is None
                time.sleep(0.2)  # the file of --keep is opened just before the call
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
            return process.returncode, out, err

        return interrupted

    @on_posix
    def test_7_is_for_ctrl_c_after_the_request_was_sent(self, interrupted, at, tmp_path):
        keep = tmp_path / "kept.json"
        where = [*at("sleep=60000"), "--keep", keep]
        status, out, err = interrupted(keep, *where, "--json-errors")
        shown = json.loads(err)
        kept = json.loads(keep.read_bytes())
        assert (status, out, shown["outcomeUnknown"]) == (7, "", True)
        assert "the call was cancelled" in shown["text"]
        assert shown["transType"] == kept["transType"] == "ec.query"
        assert shown["error"] == kept["error"] == "DllCrashError"
        assert kept["elapsedMs"] > 10

    @on_posix
    def test_130_is_for_ctrl_c_before_anything_was_sent(self, interrupted, at, tmp_path):
        starting = tmp_path / "starting"
        python = f"sh -c 'touch {starting}; exec sleep 60'"
        assert interrupted(starting, *at(), "--python", python) == (130, "", "")

    @pytest.mark.parametrize(
        ("arguments", "stdin", "said"),
        [
            ([], {"transType": "x", "orgId": "1", "data": {"orgId": "2"}}, "orgId is not the same"),
            (["--org-id", "2"], {"transType": "x", "data": {"org_id": "1"}}, "orgId is not"),
            (["y"], {"transType": "x", "data": {}}, "transType is not the same"),
            ([], {"data": {}}, "give TRANS_TYPE"),
            ([], {"transType": "x", "orgId": "1"}, "a message has orgId"),
            ([], {"transType": "x", "data": {}, "signData": "张三"}, "a message has orgId"),
            ([], {"transType": "x" * 41, "data": {}}, "at most 40 characters"),
            (["ec.query"], b'{"a": NaN}', "this is not a JSON object"),
            (["ec.query"], [], "this is not a JSON object"),
            (["ec.query"], b"[" * 300, "this is not a JSON object"),
            (["ec.query"], b"\xff\xfe{", "neither UTF-8 nor GB 18030"),
            (["ec.query"], {"data": "x"}, "data must be an object"),
            (["ec.query"], {"data": "[" * 300}, "data must be an object"),
            (["ec.query"], {"oficeName": "张三"}, "oficeName is not listed: is it officeName?"),
            (["ec.query"], {"oficeName": "张三"}, "科室名称 officeName: it must be given"),
            (["ec.query"], {**ON_WIRE, "operator_id": "1"}, "there is no such field"),
            (["--json", "no-file"], {}, "cannot read no-file: check the path"),
            (["ec.query", "--keep", "no/x"], ON_WIRE, "cannot write no/x: check the folder"),
            (["--timeout", "张三"], {}, "--timeout: give a number"),
            (["--timeout", "1e9"], {}, "--timeout: give a number"),
            (["--out-buffer-size", "0"], {}, "--out-buffer-size: give a number"),
        ],
    )
    def test_2_is_for_what_is_wrong_in_itself_and_not_sent(
        self, nationec, mocker, arguments, stdin, said
    ):
        sent = mocker.spy(Simulator, "exchange")
        run = [*CALL, "--simulate", *arguments]
        status, out, err = nationec(*run, stdin=stdin)
        assert (status, out, sent.call_count) == (2, "", 0)
        assert said in err
        for form in ("--json-errors", "--ascii"):
            status, out, shown = nationec(*run, form, stdin=stdin)
            facts = json.loads(shown)
            assert (status, out, shown.isascii()) == (2, "", form == "--ascii")
            assert err.endswith(f"nationec: {facts['text']}\n")
            assert facts["outcomeUnknown"] is False
            assert facts["forOperator"] == "请求有误，未发送，请联系信息科"

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_errors_use_the_commands_names_and_language(
        self, nationec, at, standin, tmp_path, monkeypatch, language
    ):
        monkeypatch.setenv("NATIONEC_LANG", language)
        real = [*CALL_QUERY, *at()]
        no_token = {**ON_WIRE, **dict(zip(("idNo", "idType", "userName"), INSURED.values()))}
        for arguments, message in (
            ([*real, "--dll", tmp_path / "no.dll"], ON_WIRE),
            ([*real, "--out-buffer-size", "100"], ON_WIRE),
            ([*real, "--out-buffer-size", "0.5"], ON_WIRE),
            ([*real, "--encoding", "utf-8"], ON_WIRE),
            ([*real, "--response-encoding", "utf-16"], ON_WIRE),
            ([*CALL, "cn.nhsa.ec.pwd", "--simulate"], {**no_token, "mdtrtCertType": "01A"}),
            ([*SIMULATED, "--org-id", "1" * 41], ON_WIRE),
            ([*SIMULATED, "--keep", tmp_path], ON_WIRE),
        ):
            status, _, err = nationec(*arguments, stdin=message)
            assert status != 0, arguments
            err = err.replace(str(tmp_path), "").replace(str(standin), "")
            # A Python name, `x=`, a class.
            assert not re.search(r"\b[a-z]+_[a-z_]+\b|[a-z]=|IsolatedDll|error\.|Errno", err), err
            assert language == "en" or not re.search("[a-z]{3,} [a-z]{2,} [a-z]{2,}|; ", err), err


class TestForms:
    def test_the_envelope_is_all_of_it(self, nationec, at):
        head = {"code": 0, "message": "好", "extra": {"x": 2.5}, "orgId": "7"}
        data = {**PATIENT, "fee": 1.1}
        scan = [*CALL, "cn.nhsa.qrcode.get", *at(answer({**head, "data": data})), "--envelope"]
        status, out, _ = nationec(*scan, stdin={**ON_WIRE, "outBizNo": "X1"})
        shown = json.loads(out)
        assert status == 0
        assert shown.pop("data").items() >= data.items()
        assert shown == {**head, "transType": "cn.nhsa.qrcode.get", "outBizNo": "X1"}

    def test_ascii_is_for_stdout_too(self, nationec):
        status, out, _ = nationec(*SIMULATED, "--ascii")
        assert (status, out.isascii(), json.loads(out)["userName"]) == (0, True, "张三")

    def test_a_warning_is_part_of_the_json(self, nationec, at):
        slip = {**ON_WIRE, "businessType": "1101"}
        status, _, err = nationec(*SIMULATED, "--json-errors", stdin=slip)
        assert (status, list(json.loads(err))) == (0, ["warnings"])
        refused = at(answer({"code": 500004}))
        status, _, err = nationec(*CALL_QUERY, *refused, "--json-errors", stdin=slip)
        shown = json.loads(err)
        assert (status, shown["code"], len(shown["warnings"])) == (5, 500004, 1)


class TestKeep:
    @pytest.fixture
    def keep(self, nationec, tmp_path, at):
        def keep(mode):
            path = tmp_path / "kept.json"
            message = {**ON_WIRE, "officeName": "\u9fb4科"}
            arguments = [*at(mode), "--keep", path, "--response-encoding", "utf-8"]
            status, *_ = nationec(*CALL_QUERY, *arguments, stdin=message)
            return status, json.loads(path.read_bytes())

        return keep

    @pytest.mark.parametrize(
        ("mode", "exit_code", "error", "answered"),
        [
            (answer(FULL, "utf-8"), 0, None, {"returnValue": "0000", "outData": FULL}),
            ("return=" + hexed("网络", "utf-8"), 4, "ProtocolError", {"returnValue": "网络"}),
            ("null", 4, "ProtocolError", {"returnValue": None, "outData": ""}),
            (answer(b"\xff\xfe"), 6, "ResponseFormatError", {"outDataBase64": "//4="}),
            ("exit", 7, "DllCrashError", {"returnValue": None, "outData": ""}),
        ],
    )
    def test_all_of_a_call(self, keep, mode, exit_code, error, answered):
        status, kept = keep(mode)
        assert (status, kept["error"]) == (exit_code, error)
        assert (kept["transType"], kept["outBizNo"]) == ("ec.query", None)
        assert json.loads(kept["inData"])["data"]["officeName"] == "\u9fb4科"
        assert answered.items() <= kept.items()
        assert ("outData" in kept) != ("outDataBase64" in kept)

    @on_posix  # Windows has the rights of the folder
    def test_only_its_user_can_read_it_also_where_it_was_there_before(self, keep, tmp_path):
        path = tmp_path / "kept.json"
        for _ in range(2):
            keep("null")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            path.write_text("x" * 9999)
            path.chmod(0o666)

    @on_linux
    def test_a_full_disk_is_told_beside_the_answer(self, nationec):
        status, out, err = nationec(*SIMULATED, "--keep", "/dev/full")
        assert (status, json.loads(out)["userName"]) == (0, "张三")
        assert re.fullmatch("nationec: --keep: not all of it was written.*\n", err)
