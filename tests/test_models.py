"""The bases of requests and responses: what is refused by name, what is kept, and what is shown."""

import enum
import pickle
from base64 import b64encode
from functools import partial
from typing import Optional

import pytest
from pydantic import ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from nationec import (
    AnyRequest,
    AuthCheckRequest,
    EcPwdRequest,
    EcQueryRequest,
    EcQueryResponse,
    Envelope,
    QrcodeGetRequest,
    Request,
    Response,
)

from .conftest import COMMON, INSURED, PATIENT

SECRET = "SECRET"
make_query = partial(EcQueryRequest, **COMMON)
make_scan = partial(QrcodeGetRequest, **COMMON)
make_face = partial(AuthCheckRequest, **COMMON, auth_no="1")
make_password = partial(EcPwdRequest, **COMMON, **INSURED, ec_token="t")


def faults(make, *values, **changed):
    """What a request is refused for, by field; and no value is kept."""
    with pytest.raises(ValidationError) as caught:
        make(*values, **changed)
    error = caught.value
    assert SECRET not in f"{error} {error.errors()} {pickle.dumps(error)}"
    assert error.__context__ is None
    messages = {}
    for fault in error.errors():
        messages.setdefault(".".join(map(str, fault["loc"])), []).append(fault["msg"])
    return {field: "; ".join(told) for field, told in messages.items()}


class TestFaults:
    def test_are_all_told_under_pythons_names_with_their_chinese_ones(self):
        wrong = {"operatorId": "9" * 21, "id_no": "", "photo": 1, "userNane": SECRET}
        wrong.update(business_type="1234567", ext_data=[1])
        given = {**COMMON, **INSURED, **wrong}
        del given["operator_id"], given["office_name"]
        told = faults(EcPwdRequest, **given)
        assert told.pop("ext_data").startswith("扩展参数 ext_data: ")
        assert told == {
            "operator_id": "收款员编号 operator_id: at most 20 characters",
            "office_name": "科室名称 office_name: it must be given",
            "id_no": "人员证件号码 id_no: it must not be empty",
            "business_type": "办理业务类型 business_type: at most 6 characters",
            "photo": "photo: there is no such field",
            "userNane": "userNane: there is no such field",
        }

    def test_are_told_in_chinese_where_the_reader_reads_it(self, monkeypatch):
        monkeypatch.setenv("NATIONEC_LANG", "zh")
        with pytest.raises(ValidationError, match="\n  收款员姓名 operator_name：最多 30 个字符"):
            make_query(operator_name="名" * 31)

    @pytest.mark.parametrize("mode", ["before", "after"])
    def test_of_a_validator_of_ones_own_hold_nothing_but_what_it_says(self, mode):
        class Own(EcQueryRequest):
            gain_way: str

            @field_validator("gain_way", mode=mode)
            @classmethod
            def known(cls, value):
                raise PydanticCustomError("gain_way", "{way} and {not this}", {"was": value})

        class Whole(EcQueryRequest):
            @model_validator(mode=mode)
            def known(self):
                raise ValueError("the whole of it")

        told = faults(Own, **COMMON, gain_way=SECRET)
        assert told == {"gain_way": "gain_way: {way} and {not this}"}
        assert faults(Whole, **{**COMMON, "operator_name": SECRET}) == {"": "the whole of it"}


def test_a_request_cannot_be_changed(query):
    with pytest.raises(ValidationError, match="a request cannot be changed: make another"):
        query.operator_id = "1"


@pytest.mark.parametrize("make", [make_query, make_scan, make_face])
class TestPhoto:
    def test_is_sent_as_the_base64_of_what_was_given(self, client, simulator, make):
        for image in (bytes(range(256)) * 10, b"\xff" * 76_800):
            for given in (image, bytearray(image), b64encode(image).decode()):
                client.call(make(photo_data=given))
                assert simulator.requests[-1]["data"]["photoData"] == b64encode(image).decode()

    def test_that_is_no_photo_or_too_large_is_refused(self, make):
        for told, photos in {
            "data URI": ["data:image/jpeg;base64,/9j/", "DATA:image/jpeg;base64,/9j/"],
            "the limit is 102400": ["A" * 102_401, "A" * 102_404, b"\xff" * 76_801],
            "empty": ["", b""],
            "not base64": ["/9j", "AA=A", "/9j/\n", " /9j/", "/9-_", "机密", "=", "====", "A==="],
            "give text or bytes": [1, ["/9j/"]],
            "": ["\ud800"],
        }.items():
            for photo in photos:
                assert told in faults(make, photo_data=photo)["photo_data"], told


class TestWhatJsonDoesNotHave:
    @pytest.mark.parametrize(
        "value", [float("nan"), {"a": [float("inf")]}, object(), SECRET.encode(), {1: SECRET}]
    )
    def test_is_refused(self, value):
        for make in (make_scan, make_face, make_password):
            assert set(faults(make, ext_data={"a": [value]})) == {"ext_data"}
            assert set(faults(make, ext_data=value)) == {"ext_data"}
        assert set(faults(AnyRequest, "x", a=value)) == {"a"}

    def test_is_no_number_of_a_field(self):
        class Own(EcQueryRequest):
            fee: float

        assert faults(Own, **COMMON, fee=float("inf")) == {"fee": "fee: JSON has no such number"}

    def test_is_not_sent(self, client, simulator):
        for value in ("\ud800", {"a": "\ud800"}):
            with pytest.raises(ValueError, match="nothing was sent"):
                client.call(make_scan(ext_data=value))
        assert simulator.requests == []


class TestRequestOfOnesOwn:
    def test_takes_a_few_lines(self, client, simulator):
        class OwnResponse(Response):
            auth_no: str
            score: Optional[str] = None

        class OwnRequest(Request[OwnResponse]):
            trans_type = "cn.example.own"
            operator_id: str

        simulator.answer(data={"authNo": 77, "score": ""})
        response = client.call(OwnRequest(operator_id="1"))
        assert response == OwnResponse(auth_no="77", score=None)
        assert repr(response) == "OwnResponse(auth_no=…)"
        assert simulator.requests[0]["transType"] == "cn.example.own"
        assert simulator.requests[0]["data"] == {"orgId": "1234567", "operatorId": "1"}
        assert not OwnRequest.repeatable

    def test_has_its_trans_type_in_the_head_alone_though_it_is_annotated(self, client, simulator):
        class Annotated(Request[Response]):
            trans_type: str = "x.y"

        simulator.answer(data={})
        client.call(Annotated())
        assert simulator.requests[0]["transType"] == "x.y"
        assert simulator.requests[0]["data"] == {"orgId": "1234567"}


class TestAnyRequest:
    def test_goes_out_as_it_is_given_and_its_answer_is_kept_as_it_came(self, client, simulator):
        simulator.answer(data={"authNo": 7, "空": "", "list": [{}]})
        data = {"outBizNo": "1", "operator_id": "008", "extra": {"省": [1.5, True]}}
        own = dict.fromkeys(["trans_type", "self", "data", "model_extra", "__class__"], "1")
        exchange = client.exchange(AnyRequest("cn.example.own", **data, **own, 无=None))
        (sent,) = simulator.requests
        assert sent.pop("data") == {"orgId": "1234567", **data, **own}
        assert sent == {"orgId": "1234567", "transType": "cn.example.own"}
        assert type(exchange.data) is Response
        assert exchange.data.model_extra == {"authNo": 7, "list": [{}]}
        assert exchange.out_biz_no == "1"
        assert type(exchange.request) is AnyRequest

    def test_keeps_an_org_id_that_is_given(self, client, simulator):
        simulator.answer("x", data={})
        for name in ("org_id", "orgId"):
            client.call(AnyRequest("x", **{name: "7654321"}))
            assert simulator.requests[-1]["orgId"] == "7654321"
            assert simulator.requests[-1]["data"] == {"orgId": "7654321"}

    def test_without_a_trans_type_of_1_to_40_characters_is_refused(self):
        for trans_type in ("", "x" * 41, "a\n", 5, None):
            assert set(faults(AnyRequest, trans_type, a=SECRET)) == {"trans_type"}


class TestRepr:
    def test_shows_which_fields_are_there_and_the_values_of_codes_only(self):
        patient = {**PATIENT, "userName": SECRET, "email": SECRET, "unlisted": SECRET}
        response = EcQueryResponse(**patient)
        shown = "id_no=…, id_type='01', user_name=…, ec_token=…, insu_org=…, email=…, unlisted=…"
        assert repr(response) == f"EcQueryResponse({shown})"
        request = EcQueryRequest(**{**COMMON, "operator_name": SECRET}, photo_data=b"photo")
        shown = "operator_id=…, operator_name=…, office_id=…, office_name=…, photo_data=…"
        assert repr(request) == f"EcQueryRequest(business_type='01101', {shown})"
        assert repr(AnyRequest("x.y", b=SECRET, c=None)) == "AnyRequest('x.y', b=…)"
        assert repr(Envelope(code=0)) == "Envelope(code=…, message=…)"

    def test_hides_codes_that_are_not_listed_and_enums_of_the_users_own(self):
        class Disease(str, enum.Enum):
            HIV = "B20"

        class Regional(EcQueryRequest):
            disease: Disease

        assert "B20" not in repr(Regional(**COMMON, disease="B20"))
        assert SECRET not in repr(EcQueryResponse(**{**PATIENT, "idType": SECRET}))
