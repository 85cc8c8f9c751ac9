"""What an error says, to whom, and what it keeps."""

import copy
import json
import pickle
import re

import pytest

from nationec import AnyRequest, Client, NationEcError, Simulator
from nationec.errors import crash_error, load_error

from .conftest import FACE, FACE_SCREEN, PASSWORD, QUERY, SCAN

SETTLE = AnyRequest("cn.nhsa.settle", outBizNo="N2")
NAMELESS = AnyRequest("cn.nhsa.settle")
SCAN_AGAIN = "未收到结果，本次不产生费用，请重新扫码"
CALL_THE_IT = "未收到结果，本次不产生费用，请联系信息科"
TRY_AGAIN = "医保交易未完成，请稍后重试；仍不成功请联系信息科"
REFRESH = "请参保人刷新二维码后重新扫码"
WRONG = "（500004），请参保人重新输入密码，输错 5 次会锁定账户"
UNSET = "（500042），请参保人先在国家医保服务平台 APP 中设置密码，或改用其他凭证"
AS_TOLD = "（77），请按其提示处理；仍不成功请联系信息科"
# What the simulator is told to answer, and the sentence for the operator.
OPEN = {
    "timeout": ({"delay": 5}, SCAN_AGAIN),
    "crash": ({"crash": True}, SCAN_AGAIN),
    "late platform": ({"code": -3}, SCAN_AGAIN),
    # Another scan would not help.
    "unreadable": ({"raw": "服务异常"}, CALL_THE_IT),
    "no code": ({"raw": '{"data":{}}'}, CALL_THE_IT),
}
KNOWN = {
    "NULL": ({"return_value": None}, TRY_AGAIN),
    "return value": ({"return_value": "网络不通"}, TRY_AGAIN),
    "no text": ({"return_value": ""}, TRY_AGAIN),
    "password": ({"code": 500004}, f"医保平台提示：电子凭证密码错误{WRONG}"),
    "no password set": ({"code": 500042}, f"医保平台提示：电子凭证密码未设置{UNSET}"),
    "old QR code": ({"code": 501001}, REFRESH),
    "no QR code": ({"code": 500049}, REFRESH),
    "no password": ({"code": 500320}, "本次无需输入密码，可直接办理"),
    "unlisted": ({"code": 77, "message": "别的"}, f"医保平台提示：别的{AS_TOLD}"),
    "silent": ({"code": 77}, "医保平台未说明原因（77），请联系信息科"),
}
FAILURES = {**OPEN, **KNOWN}


def error_of(answered, request=SCAN):
    simulator = Simulator(timeout=0.05)
    simulator.answer(**answered)
    with pytest.raises(NationEcError) as caught:
        Client("http://h", "1234567", transport=simulator).call(request)
    return caught.value


def every_error():
    for request in (SCAN, SETTLE, NAMELESS):
        yield from (error_of(answered, request) for answered, _ in FAILURES.values())
    yield load_error("not-a-library", r"C:\医保\x.dll", detail="file too short")
    yield load_error("cancelled", command="p")
    yield crash_error("past-out-data", b"533222199909090123", size=2048)


class TestOutcome:
    @pytest.mark.parametrize("name", FAILURES)
    def test_is_unknown_after_what_leaves_it_open_and_the_operator_knows_what_to_do(self, name):
        answered, told = FAILURES[name]
        error = error_of(answered)
        assert error.for_operator == told
        assert error.outcome_unknown == (name in OPEN)
        what = "The outcome is unknown, but it settles nothing: it may be done again"
        assert (what in str(error)) == (name in OPEN)
        assert str(error).endswith(" [cn.nhsa.qrcode.get, outBizNo N1]")

    @pytest.mark.parametrize("name", OPEN)
    def test_of_what_settles_is_looked_up_before_it_is_done_again(self, name):
        for request, now, told in (
            (SETTLE, "look it up by its outBizNo before it is done again", "请核对业务流水号 N2"),
            (NAMELESS, "find out before it is done again", "请联系信息科核对"),
        ):
            error = error_of(OPEN[name][0], request)
            assert f"The outcome is unknown: {now} [cn.nhsa.settle" in str(error)
            assert error.for_operator == f"结果未知，请勿重复操作，{told}"

    def test_code_minus_3_is_not_called_a_refusal(self, monkeypatch):
        text = str(error_of({"code": -3}))
        assert not re.search("says|refuse", text)
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        text = str(error_of({"code": -3}))
        assert ("平台" in text, "结果未知" in text, "提示" in text) == (True, True, False)

    def test_is_known_where_there_is_no_dll(self):
        error = load_error("no-file")
        assert "outcome" not in str(error)
        assert error.for_operator == "医保动态库无法加载，请联系信息科"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_text_is_one_line_and_the_operators_is_chinese_whatever_the_readers_language(
    monkeypatch, language
):
    monkeypatch.setenv("NATIONEC_LANG", language)
    for error in every_error():
        assert str(error).splitlines() == [str(error)]
        assert "None" not in str(error)
        assert language == "en" or any("一" <= c <= "龥" for c in str(error))
        told = error.for_operator
        for part in ("none", "error", "http", "/", "\\", "nationec", "dll", "\n", "null", "="):
            assert part not in told.lower(), told
        assert sum("一" <= c <= "龥" for c in told) > len(told) / 2, told


def test_words_of_others_are_cut_at_200_characters_and_the_attributes_are_whole():
    long = "长" * 5000 + "\n尾"
    error = error_of({"code": 77, "message": long})
    assert error.message == long
    assert f"医保平台提示：{'长' * 200}…（77）" in error.for_operator
    assert f" {'长' * 200}… " in str(error)
    assert "长" * 201 not in str(error)
    error = error_of({"return_value": long, "raw": long})
    assert (error.return_value, error.out_data) == (long, long)
    assert f"returned {'长' * 200}… ({'长' * 200}…), not 0000" in str(error)
    assert f"return_value={'长' * 200}… in " in str(error.exchange)


def test_nothing_from_outside_makes_a_line_of_its_own(caplog):
    number = "A\nWARNING forged\x1b[31m"
    request = AnyRequest("cn.nhsa.settle", outBizNo=number)
    error = error_of({"code": -3}, request)
    (record,) = caplog.records
    texts = [str(error), repr(error), error.for_operator, repr(error.exchange), record.getMessage()]
    assert [text for text in texts if not text.isprintable()] == []
    assert error.out_biz_no == number


def test_each_transaction_says_what_the_operator_does_again():
    requests = QUERY, FACE, FACE_SCREEN, PASSWORD
    for request, action in zip(requests, ("扫码", "刷脸", "刷脸", "输入密码")):
        told = error_of({"code": -3}, request).for_operator
        assert told == f"未收到结果，本次不产生费用，请重新{action}"


def test_a_copy_keeps_everything_but_what_was_sent_and_received():
    """Made by pickle, by copy, or of its ``args``, which JSON can carry."""
    for error in every_error():
        kept = {name: vars(error)[name] for name in set(vars(error)) - {"exchange", "received"}}
        unpickled = pickle.loads(pickle.dumps(error))
        of_args = type(error)(*error.args)
        assert json.dumps(error.args)
        for again in (unpickled, copy.copy(error), copy.deepcopy(error), of_args):
            assert (type(again), str(again)) == (type(error), str(error))
            assert (again.exchange, getattr(again, "received", b"")) == (None, b"")
            assert again.for_operator == error.for_operator
            assert {name: vars(again)[name] for name in kept} == kept
