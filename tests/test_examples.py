"""Every example, run as its reader would run it: as a program, in a folder of its own."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from nationec.transactions import TRANSACTIONS

from .conftest import COMMON, on_posix

EXAMPLES = Path(__file__).parents[1] / "examples"
INSURED = ["姓名：张三", "证件号码：**************0123"]
SHOWN = {
    "audit_log": ["20… cn.nhsa.qrcode.get 20… 管理员 张* success", "待核对：0 笔"],
    "decode_qrcode": [*INSURED, "参保地区：430000"],
    "face_auth": [*INSURED, "实人认证业务流水号：A0001"],
    "id_card": INSURED,
    "terminal_scan": ["业务流水号：20…", *INSURED],
    "verify_password": [
        "姓名：张三，请参保人输入医保码（医保电子凭证）的密码",
        "密码核验通过，可以结算",
    ],
}
EACH = pytest.mark.parametrize("name", sorted(SHOWN))


@pytest.fixture
def run(tmp_path):
    """What an example prints, copied to where nothing else of the project is."""
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, tmp_path)

    def run(name, encoding="utf-8"):
        environment = {"PYTHONIOENCODING": encoding, "PYTHONWARNINGS": "error", "TZ": "CST-8"}
        ran = subprocess.run(
            [sys.executable, tmp_path / f"{name}.py", "--simulate"],
            env={**os.environ, **environment},
            cwd=tmp_path.parent,  # its own folder is not the current one
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding=encoding,
            timeout=60,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    return run


@EACH
def test_an_example_runs_on_the_simulator_and_shows_what_stands_here(name, run):
    shown = re.sub(r"\b20\d\d\S*", "20…", run(name))  # a time, or an outBizNo
    assert shown.splitlines() == SHOWN[name]


def test_an_example_runs_on_a_console_that_lacks_characters(run):
    assert r"\u5f20\u4e09" in run("decode_qrcode", "ascii")


@on_posix
def test_a_day_in_the_audit_log_is_the_day_of_the_number(run):
    started_at, _, number, *_ = run("audit_log").split()
    assert started_at[:10].replace("-", "") == number[:8]
    assert started_at.endswith("+08:00")


@pytest.fixture
def window(monkeypatch, mocker, simulator, capsys):
    """Runs an example's ``main``: its exit code, and the last line for the cashier."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def run(name, *arguments):
        for module in (name, "common"):
            mocker.patch(f"{module}.Simulator", return_value=simulator, create=True)
        status = importlib.import_module(name).main(arguments)
        return status, capsys.readouterr().out.splitlines()[-1]

    return run


@EACH
def test_an_example_tells_the_cashier_what_to_do_and_logs_more(name, window, simulator, caplog):
    simulator.answer(code=500316)
    status, shown = window(name, "--simulate")
    assert status == 1
    assert re.fullmatch("医保平台提示：.*（500316），请联系信息科.*", shown)
    assert "the platform says: 500316" in caplog.messages[-1]


@EACH
def test_an_example_says_its_settings_in_chinese_and_never_guesses_one(name, window, capsys):
    for arguments, status, shown in (
        (["--help"], "0", "  --url URL +业务请求地址\n"),
        ([], "2", "--simulate.*--url"),
        (["--url", "http://h"], "2", "使用 --url 时必须指定 --org-id"),
    ):
        with pytest.raises(SystemExit, match=status):
            window(name, *arguments)
        assert re.search(shown, "".join(capsys.readouterr()))


@pytest.mark.parametrize("options", [(), ("--python", sys.executable, "--timeout", "30")])
def test_an_example_calls_the_dll(options, window, standin):
    real = ("--url", "http://h/localQrCodeQuery", "--org-id", "1", "--dll")
    assert window("decode_qrcode", *real, str(standin), *options) == (0, "参保地区：430000")
    failed = (1, "医保动态库无法加载，请联系信息科")
    assert window("decode_qrcode", *real, f"{standin}.none", *options) == failed


def test_the_id_card_example_shows_the_number_to_look_an_unknown_outcome_up_by(window, simulator):
    simulator.answer(crash=True)
    status, shown = window("id_card", "--simulate")
    number = simulator.requests[0]["data"]["outBizNo"]
    assert (status, shown) == (1, f"结果未知，请勿重复操作，请核对业务流水号 {number}")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"code": 500320}, (0, "密码核验通过，可以结算")),
        ({"data": {"pwdFlag": "0"}}, (1, "密码核验未通过，不能结算")),
    ],
)
def test_the_password_example_settles_only_what_may_be_settled(answer, outcome, window, simulator):
    simulator.answer("cn.nhsa.ec.pwd", **answer)
    assert window("verify_password", "--simulate") == outcome


class TestTheFastapiService:
    @pytest.fixture
    def service(self, monkeypatch, client):
        for package in ("fastapi", "uvicorn", "httpx2"):
            pytest.importorskip(package)
        testing = importlib.import_module("starlette.testclient")
        monkeypatch.syspath_prepend(str(EXAMPLES))
        app = importlib.import_module("fastapi_service").make_app(client)
        return testing.TestClient(app, base_url="http://127.0.0.1:8000")

    def test_has_a_typed_route_for_the_standards_four(self, service):
        answer = service.post("/ec.query", json=COMMON)
        assert (answer.status_code, answer.json()["userName"]) == (200, "张三")
        schema = service.get("/openapi.json").json()
        assert list(schema["paths"]) == [f"/{trans_type}" for trans_type in list(TRANSACTIONS)[:4]]
        assert "收款员姓名" in str(schema)

    def test_calls_for_no_page_of_another_name_or_without_permission(self, service, simulator):
        foreign = {"Host": "attacker.example", "Content-Type": "application/json"}
        for headers in (foreign, {"Content-Type": "text/plain"}, {}):
            answer = service.post("/ec.query", content=json.dumps(COMMON), headers=headers)
            assert answer.status_code in (400, 415, 422), headers
        assert simulator.requests == []

    def test_tells_an_error_in_words_for_the_cashier(self, service, simulator):
        path = "/cn.nhsa.qrcode.get"
        simulator.answer(code=500049)
        refused = service.post(path, json=COMMON)
        assert refused.status_code == 409
        assert refused.json()["message"] == "请参保人刷新二维码后重新扫码"
        simulator.answer(crash=True)
        unknown = service.post(path, json={**COMMON, "outBizNo": "X1"})
        assert unknown.status_code == 502
        facts = {"outcomeUnknown": True, "repeatable": True, "outBizNo": "X1", "code": None}
        assert unknown.json() == {"message": "未收到结果，本次不产生费用，请重新扫码", **facts}


class TestTheBatchFile:
    def test_is_ascii_with_the_line_ends_of_cmd(self):
        raw = (EXAMPLES / "window.bat").read_bytes()
        assert raw.isascii()
        assert raw.count(b"\n") == raw.count(b"\r\n") > 0

    @pytest.mark.skipif(sys.platform != "win32", reason="cmd is on Windows")
    def test_gives_the_answer_and_the_exit_code(self, tmp_path, monkeypatch):
        for folder in (Path(sys.executable).parent, sysconfig.get_path("scripts")):
            monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        if shutil.which("nationec") is None:
            pytest.skip("the command is not installed here")

        def run(*arguments):
            command = ["cmd", "/c", str(EXAMPLES / "window.bat"), *arguments]
            return subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode

        assert run("--simulate") == 0
        assert "张三" in (tmp_path / "answer.json").read_text("utf-8")
        assert run("--url", "http://h", "--org-id", "1", "--dll", "no-such.dll") == 3
        assert not (tmp_path / "answer.json").exists()
