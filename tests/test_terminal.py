"""The terminal's two transactions, but for their tables (see test_transactions.py)."""

import json

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from nationec import EcAuthRequest, SettleNotifyRequest, SettleNotifyResponse

from .conftest import WINDOW
from .standard_tables import fields

DRUGS = [{"ITEM_NO": "1", "ITEMNAME": "阿莫西林", "HI_ITEM": "Y", "PRIC": "1.20", "ITEM_CNT": "2"}]
SETTLED = {"out_biz_no": "N1", "operator_id": "008", "operator_name": "TEST", "total_fee": "12.30"}
SETTLED.update(biz_type="settle", id_no="533222199909090123", user_name="张三", doctor_name="李四")
SETTLED.update(setl_time="2026-01-31 12:00:00", hospital_name="医院")
SETTLED.update(office_id="01", office_name="内科")
WITH_SUCCESS = {"medical_settle_no": "1", "own_amt": "1", "balance": "1", "drug_list": DRUGS}


def success(**changed):
    given = {**SETTLED, **WITH_SUCCESS, "medical_settle_state": "SUCCESS", **changed}
    return SettleNotifyRequest(**given)


def test_answer_of_the_field_is_read(client, simulator):
    data = '{"authNo":"A7","outBizNo":"N1","extData":"{\\"a\\":1}"}'
    simulator.answer(raw=json.dumps({"orgId": "1", "code": 0, "message": "", "data": data}))
    answer = client.call(EcAuthRequest(**WINDOW, out_biz_no="N1"))
    assert (answer.auth_no, answer.out_biz_no, answer.ext_data) == ("A7", "N1", {"a": 1})


def test_ext_data_goes_out_as_text(client, simulator):
    for given in ({"院区": 1}, '{"院区":1}'):
        client.call(EcAuthRequest(**WINDOW, ext_data=given))
        assert simulator.requests[-1]["data"]["extData"] == '{"院区":1}'


class TestSettlement:
    def test_that_succeeded_says_what_was_paid(self):
        rows = fields("cn.nhsa.settle.notify.request")
        conditional = [row.name for row in rows if row.remark.startswith("SUCCESS 时必填")]
        assert conditional == list(map(to_camel, WITH_SUCCESS))
        success()
        for name in WITH_SUCCESS:
            for absent in (None, ""):
                with pytest.raises(ValidationError) as caught:
                    success(**{name: absent})
                (fault,) = caught.value.errors()
                assert fault["msg"] == f"{name} must be given when medical_settle_state is SUCCESS"

    def test_that_failed_need_not(self):
        request = SettleNotifyRequest(**SETTLED, medical_settle_state="FAIL")
        assert (request.drug_list, request.own_amt) == (None, None)

    def test_has_the_two_states_and_the_two_kinds(self):
        for name, told in (
            ("medical_settle_state", "one of 'SUCCESS' or 'FAIL'"),
            ("biz_type", "one of 'register' or 'settle'"),
        ):
            with pytest.raises(ValidationError, match=f"{name}: {told}"):
                success(**{name: "other"})

    def test_drugs_are_a_list_or_its_text_and_go_out_as_text(self, client, simulator):
        for given in (DRUGS, json.dumps(DRUGS, ensure_ascii=False)):
            client.call(success(drug_list=given))
            assert json.loads(simulator.requests[-1]["data"]["drugList"]) == DRUGS

    def test_drugs_that_are_neither_are_refused(self):
        for wrong in (1, [1], [{"PRIC": 1.2}], {"ITEM_NO": "1"}):
            with pytest.raises(ValidationError, match="药品明细 drug_list"):
                success(drug_list=wrong)

    def test_may_be_answered_with_nothing(self, client, simulator):
        for data in ({}, "", "{}", None, "null"):
            simulator.answer(raw=json.dumps({"code": 0, "message": "", "data": data}))
            assert client.call(success()) == SettleNotifyResponse()
