"""Every example runs as its reader would run it: as a program, in a process of its own."""

import importlib
import os
import subprocess
import sys
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import pytest

from nationec import IsolatedDll, Simulator

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
SHOWN = {
    "audit_log": ["姓名：张三", "日志：", "待核对：0 笔"],
    "decode_qrcode": ["姓名：张三", "证件号码：**************0123", "参保地区：430000"],
    "face_auth": ["姓名：张三", "证件号码：**************0123", "实人认证业务流水号：ano3728680187894374401630000"],
    "isolated_32bit": ["姓名：张三", "证件号码：**************0123"],
    "linux_wine": ["姓名：张三", "证件号码：**************0123"],
    "regional_fields": [
        "地方扩展参数：{'gainWay': 'MOBILE', 'infoFrom': 'HIS'}",
        "姓名：张三",
        "证件号码：**************0123",
        "地方返回参数：无",
    ],
    "terminal_scan": ["流水号：", "姓名：张三", "证件号码：**************0123"],
    "verify_password": ["姓名：张三，请在终端上输入医保电子凭证密码", "密码核验：通过，可以结算"],
}


@lru_cache(maxsize=None)
def run(name, encoding="utf-8"):
    environment = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "PYTHONUTF8": "1" if encoding == "utf-8" else "0",
        "PYTHONWARNINGS": "error",
    }
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), "--simulate"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding=encoding,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_every_example_has_a_result_to_show_here():
    assert sorted(SHOWN) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_on_the_simulator(name):
    lines = run(name).splitlines()
    assert len(lines) == len(SHOWN[name])
    for line, shown in zip(lines, SHOWN[name]):
        assert line == shown or (shown.endswith("：") and line.startswith(shown))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_no_whole_id_number_and_no_token(name):
    assert "533222199909090123" not in run(name)
    assert "ADBHJRS5I01E0F3438C00000B959FA88" not in run(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_survives_a_console_that_lacks_its_characters(name):
    assert r"\u5f20\u4e09" in run(name, "ascii")


def test_an_example_writes_chinese_to_a_console_of_code_page_936():
    assert "张三" in run("decode_qrcode", "cp936")


@pytest.fixture
def window(monkeypatch, mocker, capsys):
    """Runs an example's ``main``, on a simulator that was told something; gives its exit code and its last line."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def run(name, simulator=None, arguments=("--simulate",)):
        example = importlib.import_module(name)
        if simulator is not None:
            mocker.patch.object(example, "Simulator", return_value=simulator)
        status = example.main(arguments)
        written = capsys.readouterr()
        return status, (written.out + written.err).splitlines()[-1]

    return run


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_the_platforms_own_words_when_it_refuses(name, window, simulator):
    simulator.answer(code=500316)
    assert window(name, simulator) == (1, "医保平台未受理：医保定点机构代码传输错误，请调整（500316）")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_whom_to_call_when_there_is_no_dll(name, window, tmp_path):
    status, shown = window(name, arguments=("--url", "http://127.0.0.1", "--dll", str(tmp_path / "NationECCode.dll")))
    assert status == 1
    assert shown.endswith("请联系信息科")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_not_guess_whether_to_simulate(name, window, capsys):
    with pytest.raises(SystemExit, match="2"):
        window(name, arguments=())
    assert "--simulate --url" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ({"code": 500049}, "电子凭证二维码无效：请参保人刷新二维码，重新扫码"),
        ({"code": 999999, "message": "系统升级中"}, "医保平台未受理：系统升级中（999999）"),
        ({"return_value": "网络连接失败"}, "医保交易未成功：请检查网络后重新扫码，仍不成功请联系信息科"),
        ({"raw": b"<html>"}, "医保平台的应答无法识别：请联系信息科"),
        ({"raw": b"x" * 70_000}, "医保动态库异常：请重启本程序，并请参保人刷新二维码后重新扫码"),
    ],
)
def test_the_first_example_tells_the_kinds_of_errors_apart(answer, shown, window, simulator):
    simulator.answer(**answer)
    assert window("decode_qrcode", simulator) == (1, shown)


def test_the_terminal_example_shows_the_number_to_look_an_unknown_outcome_up_by(window, simulator):
    simulator.answer(raw=b"x" * 70_000)
    status, shown = window("terminal_scan", simulator)
    assert status == 1
    assert shown.endswith(f"核对流水号 {simulator.requests[0]['data']['outBizNo']}")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"code": 500320}, (0, "密码核验：通过，可以结算")),
        ({"data": {"pwdFlag": "0", "ecToken": "T"}}, (1, "密码核验：未通过，不能结算")),
        ({"code": 500004}, (1, "医保平台未受理：电子凭证密码错误（500004）")),
        ({"raw": b""}, (1, "密码核验未完成：请勿结算，重试仍不成功请联系信息科")),
    ],
)
def test_the_password_example_settles_only_what_may_be_settled(answer, outcome, window, simulator):
    simulator.answer("cn.nhsa.ec.pwd", **answer)
    assert window("verify_password", simulator) == outcome


def test_the_regional_example_sends_the_fields_and_sees_what_comes_back_beyond_the_standard(window, simulator):
    patient = {"idNo": "533222199909090123", "idType": "01", "userName": "张三", "ecToken": "T", "insuOrg": "430000"}
    simulator.answer(data={**patient, "chnlId": "1"})
    assert window("regional_fields", simulator) == (0, "地方返回参数：chnlId")
    sent = simulator.requests[0]["data"]
    assert (sent["gainWay"], sent["infoFrom"]) == ("MOBILE", "HIS")


def test_the_face_example_hands_the_terminals_number_on(window, simulator):
    assert window("face_auth", simulator)[0] == 0
    face, check = simulator.requests
    assert face["transType"] == "cn.nhsa.ec.auth"
    assert check["data"]["authNo"] == "ano3728680187894374401630000"
    assert check["data"]["outBizNo"] != face["data"]["outBizNo"]


UNKNOWN = [{"crash": True}, {"delay": 1}, {"raw": b"<html>"}]


@pytest.mark.parametrize("answer", UNKNOWN, ids=["crash", "timeout", "unreadable"])
def test_the_isolated_example_asks_about_a_call_without_an_outcome_when_it_starts_again(
    answer, window, mocker, tmp_path, capsys
):
    example = importlib.import_module("isolated_32bit")
    simulator = Simulator(timeout=0.01)
    mocker.patch.object(example, "Simulator", return_value=simulator)
    simulator.answer(**answer)
    arguments = ("--simulate", "--db", str(tmp_path / "his.db"))
    status = example.main(arguments)
    (number,) = [request["data"]["outBizNo"] for request in simulator.requests]
    assert (status, capsys.readouterr().err) == (1, f"交易结果未知：请勿重复操作，联系信息科核对流水号 {number}\n")

    mocker.patch.object(example, "Simulator", return_value=Simulator())
    assert example.main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [f"待核对流水号：{number}", *SHOWN["isolated_32bit"]]

    with closing(example.Calls(str(tmp_path / "his.db"))) as calls:
        assert calls.unknown() == [number]
        calls.settle(number, "success")
        assert calls.unknown() == []


@pytest.mark.parametrize("answer", [{"code": 500049}, {"return_value": "-1"}], ids=["refused", "not through"])
def test_the_isolated_example_has_nothing_to_ask_about_a_call_with_an_outcome(answer, window, simulator, tmp_path):
    simulator.answer(**answer)
    assert window("isolated_32bit", simulator, ("--simulate", "--db", str(tmp_path / "his.db")))[0] == 1
    assert window("isolated_32bit", Simulator(), ("--simulate", "--db", str(tmp_path / "his.db"))) == (
        0,
        SHOWN["isolated_32bit"][-1],
    )


@pytest.mark.parametrize("name", ["isolated_32bit", "linux_wine"])
def test_an_isolated_example_calls_the_dll_in_another_process(name, window, standin, mocker):
    started = mocker.spy(IsolatedDll, "start")
    url = "http://127.0.0.1:8081/localQrCodeQuery"
    # With slashes, since the example splits it as a shell would, to which a backslash is an escape.
    python = sys.executable.replace("\\", "/")
    assert window(name, arguments=("--url", url, "--dll", str(standin), "--python", python)) == (0, SHOWN[name][-1])
    assert started.call_count == 1


@pytest.mark.parametrize("name", ["isolated_32bit", "linux_wine"])
def test_an_isolated_example_says_what_is_wrong_before_it_calls(name, window, standin):
    arguments = ("--url", "http://127.0.0.1", "--dll", str(standin), "--python", "no-such-python")
    assert window(name, arguments=arguments) == (1, "医保动态库无法加载（no-interpreter）：请联系信息科")
