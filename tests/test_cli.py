import io
import json
import os
import re
import subprocess
import sys

import pytest

from nationec import Simulator, call, cli, codes


def run(*arguments, encoding="utf-8"):
    return subprocess.run(
        [sys.executable, "-m", "nationec", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding=encoding,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        timeout=60,
    )


def test_demo_shows_four_transactions_and_a_refusal():
    done = run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    for trans_type in ("ec.query", "cn.nhsa.qrcode.get", "cn.nhsa.auth.check", "cn.nhsa.ec.pwd"):
        assert f'"transType":"{trans_type}"' in done.stdout
    assert "EcQueryResponse(id_no='533222199909090123'" in done.stdout
    assert "user_name='张三'" in done.stdout
    assert "BusinessError: the platform refused: 500004 电子凭证密码错误" in done.stdout


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_demo_on_a_console_that_lacks_characters(encoding):
    done = run("demo", encoding=encoding)
    assert done.returncode == 0
    assert ("张三" in done.stdout) == (encoding == "gbk")


def test_demo_in_this_process(capsys):
    assert cli.main(["demo"]) == 0
    assert "张三" in capsys.readouterr().out


def test_usage_error_is_exit_code_2():
    assert run("no-such-command").returncode == 2
    assert run().returncode == 2


def test_version():
    from nationec import __version__

    assert run("--version").stdout.strip() == f"nationec {__version__}"


WINDOW = ["--business-type", "01101", "--operatorId", "008", "--operator-name", "收款员", "--office-id", "1"]
QUERY = ["call", "ec.query", "--simulate", *WINDOW, "--officeName", "内科"]


@pytest.fixture
def nationec(monkeypatch, mocker):
    """Runs the command in this process; gives its exit code and what it wrote, as UTF-8."""
    for name in [name for name in os.environ if name.startswith("NATIONEC_") and name != "NATIONEC_TEST_DLLS"]:
        monkeypatch.delenv(name)

    def run(*arguments, simulator=None, stdin=b""):
        if simulator is not None:
            mocker.patch.object(call, "Simulator", return_value=simulator)
        mocker.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") as out, io.TextIOWrapper(
            io.BytesIO(), "utf-8", newline="\n"
        ) as err:
            mocker.patch.object(sys, "stdout", out)
            mocker.patch.object(sys, "stderr", err)
            status = cli.main([str(argument) for argument in arguments])
            for stream in (out, err):
                stream.flush()
            return status, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()

    return run


class TestCall:
    def test_prints_the_data_as_utf_8(self, nationec):
        status, out, err = nationec(*QUERY)
        assert (status, err) == (0, "")
        assert json.loads(out)["userName"] == "张三"
        assert "张三" in out

    def test_sends_what_the_options_say(self, nationec, simulator):
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

    @pytest.mark.parametrize("request_type", call.REQUESTS.values(), ids=call.REQUESTS)
    def test_has_an_option_for_every_field_in_both_spellings(self, nationec, request_type, capsys):
        with pytest.raises(SystemExit, match="0"):
            cli.main(["call", request_type.trans_type, "--help"])
        shown = capsys.readouterr().out
        for name, field in request_type.model_fields.items():
            assert f"--{name.replace('_', '-')}" in shown
            assert f"--{field.alias}" in shown
            assert re.sub(r"\s", "", field.title) in re.sub(r"\s", "", shown) or name == "org_id"

    @pytest.mark.parametrize("option", ["-", "file"])
    @pytest.mark.parametrize("whole", ["fields", "message", "message with data as text"])
    def test_takes_json(self, nationec, simulator, tmp_path, option, whole):
        fields = {"businessType": "01101", "operator_id": "1", "operatorName": "n", "officeId": "1", "officeName": "f"}
        message = {"orgId": "777", "transType": "ec.query", "data": fields, "extra": {"a": 1}}
        arguments, office = [], "f"
        if whole == "fields":
            message, arguments = fields, ["ec.query", "--org-id", "777", "--office-name", "内科"]
            office = "内科"  # an option goes before the file
        elif whole != "message":
            message["data"] = json.dumps(fields)
        raw = b"\xef\xbb\xbf" + json.dumps(message, ensure_ascii=False).encode()
        if option == "file":
            (tmp_path / "请求.json").write_bytes(raw)
            option = tmp_path / "请求.json"
        status, _, err = nationec("call", "--json", option, *arguments, "--simulate", simulator=simulator, stdin=raw)
        assert (status, err) == (0, "")
        (sent,) = simulator.requests
        assert (sent["orgId"], sent["data"]["orgId"], sent["data"]["officeName"]) == ("777", "777", office)
        assert sent.get("extra") == (None if whole == "fields" else {"a": 1})

    def test_takes_the_photo_from_a_file(self, nationec, tmp_path):
        (tmp_path / "face.jpg").write_bytes(b"\xff\xd8\xff")
        for option, sent in (("--photo-data", f"@{tmp_path / 'face.jpg'}"), ("--photoData", "/9j/")):
            simulator = Simulator()
            assert nationec(*QUERY, option, sent, simulator=simulator)[0] == 0
            assert simulator.requests[0]["data"]["photoData"] == "/9j/"

    def test_a_photo_may_be_left_out_and_ext_data_is_an_object(self, nationec, simulator):
        arguments = ["cn.nhsa.auth.check", "--simulate", *WINDOW, "--office-name", "f", "--auth-no", "A1"]
        status, out, _ = nationec("call", *arguments, "--ext-data", '{"a": "b"}', simulator=simulator)
        assert (status, json.loads(out)["authNo"]) == (0, "A1")
        (sent,) = simulator.requests
        assert sent["data"]["extData"] == {"a": "b"}
        assert "photoData" not in sent["data"]

    def test_the_envelope_is_all_of_it(self, nationec, simulator):
        simulator.answer(raw='{"code": 0, "message": "好", "orgId": "1", "extra": {"x": 1.5}, "data": null}')
        scan = ["call", "cn.nhsa.qrcode.get", "--simulate", *WINDOW, "--office-name", "f", "--out-biz-no", "X1"]
        assert nationec(*scan, "--envelope", simulator=simulator)[0] == 6
        status, out, _ = nationec(*scan, "--envelope", simulator=Simulator())
        told = json.loads(out)
        assert (status, told["transType"], told["outBizNo"], told["code"]) == (0, "cn.nhsa.qrcode.get", "X1", 0)
        assert told["data"]["userName"] == "张三"

    def test_numbers_with_a_point_stay_numbers(self, nationec, simulator):
        data = {"idNo": "1", "idType": "01", "userName": "n", "ecToken": "t", "insuOrg": "1"}
        raw = json.dumps({"code": 0, "data": data})[:-2] + ', "fee": 1.10}, "extra": {"x": 2.50}}'
        simulator.answer(raw=raw)
        status, out, _ = nationec(*QUERY, "--envelope", simulator=simulator)
        told = json.loads(out)
        assert (status, told["data"]["fee"], told["extra"]) == (0, 1.1, {"x": 2.5})

    def test_every_setting_may_stand_in_the_environment(self, nationec, monkeypatch, standin):
        monkeypatch.setenv("NATIONEC_URL", "http://h/localQrCodeQuery")
        monkeypatch.setenv("NATIONEC_ORG_ID", "1234567")
        monkeypatch.setenv("NATIONEC_DLL", str(standin))
        fields = [*WINDOW, "--office-name", "f"]
        assert nationec("call", "ec.query", *fields)[0] == 0
        monkeypatch.setenv("NATIONEC_PYTHON", "no-such-python")
        assert nationec("call", "ec.query", *fields)[0] == 3
        monkeypatch.setenv("NATIONEC_TIMEOUT", "0.5")
        status, _, err = nationec("call", "ec.query", *fields, "--python", quoted(sys.executable), "--url", SLEEP)
        assert (status, "within 0.5 s" in err) == (7, True)
        monkeypatch.setenv("NATIONEC_SIMULATE", "1")
        assert nationec("call", "ec.query", *fields)[0] == 0
        monkeypatch.setenv("NATIONEC_SIMULATE", "0")
        assert nationec("call", "ec.query", *fields)[0] == 3
        monkeypatch.setenv("NATIONEC_TIMEOUT", "soon")
        assert nationec("call", "ec.query", *fields)[0] == 2


SLEEP = "http://h/sleep=60000"


def quoted(path):
    return f'"{path}"' if " " in path else path


class TestExitCodes:
    @pytest.mark.parametrize(
        ("answer", "exit_code", "error", "told"),
        [
            ({"return_value": "-1", "raw": "网络"}, 4, "ProtocolError", {"returnValue": "-1", "outData": "网络"}),
            ({"code": 500004}, 5, "BusinessError", {"code": 500004, "message": "电子凭证密码错误"}),
            ({"raw": "<html>"}, 6, "ResponseFormatError", {"missing": [], "unreadable": []}),
            ({"data": {"idNo": "1"}}, 6, "ResponseFormatError", {"unreadable": []}),
            ({"delay": 9}, 7, "DllTimeoutError", {}),
            ({"crash": True}, 7, "DllCrashError", {}),
        ],
    )
    def test_of_a_call_that_fails(self, nationec, answer, exit_code, error, told):
        def simulator():
            simulator = Simulator(timeout=0.01)
            simulator.answer(**answer)
            return simulator

        status, out, err = nationec(*QUERY, simulator=simulator())
        assert (status, out) == (exit_code, "")
        assert re.fullmatch(r"nationec: [^\n]+\[ec\.query\]\n", err)
        status, out, err = nationec(*QUERY, "--json-errors", simulator=simulator())
        assert (status, out) == (exit_code, "")
        shown = json.loads(err)
        assert (shown["error"], shown["exitCode"], shown["transType"]) == (error, exit_code, "ec.query")
        assert told.items() <= shown.items()

    def test_without_a_dll(self, nationec, tmp_path):
        where = ["--url", "http://h", "--org-id", "1", "--dll", tmp_path / "no.dll"]
        query = ["call", "ec.query", *WINDOW, "--office-name", "f", *where]
        for more in ([], ["--timeout", "5"]):
            status, _, err = nationec(*query, *more, "--json-errors")
            assert (status, json.loads(err)["reason"]) == (3, "not-found")

    def test_7_is_for_a_dll_that_ends_the_process_too(self, nationec, standin):
        query = ["call", "ec.query", *WINDOW, "--office-name", "f", "--org-id", "1", "--dll", standin]
        for mode in ("exit", "exit=3", "abort"):
            status, out, err = nationec(*query, "--url", f"http://h/{mode}")
            assert (status, out, "outcome is unknown" in err) == (7, "", True)
        status, out, _ = nationec(*query, "--url", "http://h/localQrCodeQuery")
        assert (status, json.loads(out)["userName"]) == (0, "张三")

    def test_a_variable_that_was_left_behind_simulates_no_window_of_ones_own(self, nationec, standin, monkeypatch):
        query = ["call", "ec.query", *WINDOW, "--office-name", "f", "--org-id", "1"]
        where = ["--url", "http://h/null", "--dll", standin]
        for value, plain, real in (("1", 0, 4), ("0", 2, 4), ("false", 2, 4)):
            monkeypatch.setenv("NATIONEC_SIMULATE", value)
            assert (nationec(*query)[0], nationec(*query, *where)[0]) == (plain, real)

    @pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
    @pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
    def test_an_answer_that_stdout_does_not_take_is_told(self, redirection):
        command = f'exec "$0" -m nationec "$@" {redirection}'
        done = subprocess.run(["sh", "-c", command, sys.executable, *QUERY], stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == 6
        assert re.fullmatch("nationec: the transaction took place, and its answer cannot be written.*\n", done.stderr)

    def test_without_execnet(self, nationec, mocker):
        mocker.patch.dict(sys.modules, {"execnet": None})
        where = ["--url", "http://h", "--org-id", "1", "--timeout", "5"]
        status, _, err = nationec("call", "ec.query", *WINDOW, "--office-name", "f", *where)
        assert (status, "pip install nationec[isolated]" in err) == (3, True)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["call"], "TRANS_TYPE must be one of ec.query"),
            (["call", "no.such"], "TRANS_TYPE must be one of ec.query"),
            (["call", "ec.query", *WINDOW, "--office-name", "f"], "--url and --org-id"),
            ([*QUERY, "--business-type", ""], "businessType (用码业务类型)"),
            (["call", "ec.query", "--simulate"], "operatorId (收款员编号): Field required"),
            ([*QUERY, "--json", "no-such-file"], "--json: no-such-file: No such file"),
            ([*QUERY, "--photo-data", "@no-such-file"], "--photo-data: no-such-file: No such file"),
            ([*QUERY, "--extra", "{"], "extra: it is not JSON"),
            ([*QUERY, "--timeout", "0"], "--timeout"),
            ([*QUERY, "--timeout", "张三"], "argument --timeout: give a number of seconds"),
            ([*QUERY, "--user-name", "张三"], "unknown options: --user-name"),
            ([*QUERY, "张三"], "an argument too many"),
            ([*QUERY, "--operator"], "unknown options: --operator"),
            (["call", "ec.qeury", "--id-no", "张三"], "give TRANS_TYPE, and before its fields: one of ec.query"),
            (["call", "--json", "-", "--id-no", "张三"], "give TRANS_TYPE"),
            ([*QUERY, "-id张三"], "unknown options: -i"),
            ([*QUERY, "--envelope=张三"], "ignored explicit argument"),
            ([*QUERY, "--business-type", "9999999"], "at most 5 characters"),
            (["--user-name", "张三", "demo"], "choose from"),
            (["no-such-command"], "choose from"),
            ([], "COMMAND"),
        ],
    )
    @pytest.mark.parametrize("form", ["line", "json"])
    def test_2_is_for_what_is_wrong_in_itself(self, nationec, arguments, said, form):
        more = ["--json-errors"] if form == "json" and arguments[:1] == ["call"] else []
        status, out, err = nationec(*arguments, *more)
        assert (status, out) == (2, "")
        assert "张三" not in err
        text = json.loads(err)["text"] if more else err
        assert said in text
        assert more or re.fullmatch(r"nationec: [^\n]+\n", err)

    @pytest.mark.parametrize("stdin", [b"{", b"[]", b'"x"', "张三".encode("gbk"), b'{"data": "x"}', b'{"data": []}'])
    def test_2_is_for_json_that_is_none(self, nationec, stdin):
        assert nationec("call", "ec.query", "--json", "-", "--simulate", stdin=stdin)[0] == 2


class TestPrivacy:
    @pytest.mark.parametrize("more", [[], ["--json-errors"]])
    @pytest.mark.parametrize("wrong", ["--id-type=" + "9" * 20, "--no-such=110101198001019999", "110101198001019999"])
    def test_stderr_holds_nothing_of_the_patient(self, nationec, more, wrong):
        password = ["cn.nhsa.ec.pwd", *WINDOW, "--office-name", "f", "--user-name", "欧阳无名" * 20]
        patient = ["--id-no", "110101198001019999", "--id-type", "01", "--mdtrt-cert-type", "02A"]
        status, out, err = nationec("call", *password, *patient, wrong, "--simulate", *more)
        assert (status, out) == (2, "")
        assert "欧阳无名" not in err
        assert "110101198001019999" not in err


class TestConsole:
    def test_what_a_script_reads_is_utf_8_whatever_the_console(self):
        done = subprocess.run(
            [sys.executable, "-m", "nationec", *QUERY],
            env={**os.environ, "PYTHONIOENCODING": "cp936"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.decode("utf-8"))["userName"] == "张三"

    @pytest.mark.parametrize(("name", "shown"), [("张三", "张三"), ("\u9fb4𠀀", "\\u9fb4\\ud840\\udc00")])
    def test_a_console_of_code_page_936_gets_its_own_characters_and_escapes_for_others(self, name, shown, mocker):
        class Console(io.TextIOWrapper):
            def isatty(self):
                return True

        console = Console(io.BytesIO(), "cp936")
        call._write(console, {"userName": name})
        console.flush()
        text = console.buffer.getvalue().decode("cp936")
        assert shown in text
        assert json.loads(text) == {"userName": name}

    def test_an_error_on_a_console_of_code_page_936(self):
        for encoding in ("cp936", "ascii"):
            done = run(*QUERY, "--photo-data", "!", encoding=encoding)
            assert done.returncode == 2
            assert ("人脸照片" in done.stderr) == (encoding == "cp936")
        done = run("codes", "500004", encoding="cp936")
        assert (done.returncode, "电子凭证密码错误" in done.stdout) == (0, True)


class TestCodes:
    def lines(self, nationec, *query):
        status, out, err = nationec("codes", *query)
        assert (status == 0) == bool(out) == (not err)
        return out.splitlines()

    def test_a_code_is_looked_up(self, nationec):
        (line,) = self.lines(nationec, "500004")
        assert line == "500004  电子凭证密码错误  [§7.1, ReturnCode.EC_PASSWORD_WRONG, 电子凭证中心]"
        assert [line.split()[1] for line in self.lines(nationec, "01a")] == ["医保电子凭证"]
        assert [line.split()[1] for line in self.lines(nationec, "01")] == ["居民身份证（户口簿）"]

    def test_negative_codes_too(self, nationec):
        (line,) = self.lines(nationec, "-2")
        assert "请求参数异常" in line

    def test_words_must_all_be_there(self, nationec):
        found = self.lines(nationec, "密码", "锁定")
        assert [line.split()[0] for line in found] == ["500079"]
        assert len(self.lines(nationec, "密码")) > 5

    def test_without_a_query_it_is_all_of_them(self, nationec):
        tables = (codes.BusinessType, codes.IdType, codes.OrderStatus, codes.MdtrtCertType, codes.PwdFlag)
        assert len(self.lines(nationec)) == sum(map(len, tables)) + len(codes.ReturnCode)

    def test_what_is_not_there(self, nationec):
        assert self.lines(nationec, "123456") == []
