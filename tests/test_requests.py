"""What a HIS may give by mistake is refused by name before anything is sent; what a name may hold arrives."""

import json
import pickle
import re
import traceback
from base64 import b64encode
from datetime import date

import pytest
from pydantic import ValidationError, field_validator
from pydantic_core import PydanticCustomError

from nationec import (
    AuthCheckRequest,
    BusinessType,
    EcPwdRequest,
    EcQueryRequest,
    NationEcError,
    QrcodeGetRequest,
    gb18030,
)

WINDOW = {"business_type": "01101", "operator_id": "1", "operator_name": "n", "office_id": "1", "office_name": "o"}
PATIENT = {"id_no": "1", "id_type": "01", "user_name": "n", "mdtrt_cert_type": "02A", "ec_token": "t"}
GIVEN = {
    EcQueryRequest: {**WINDOW, "device_type": "x"},
    QrcodeGetRequest: {**WINDOW, "out_biz_no": "1"},
    AuthCheckRequest: {**WINDOW, "out_biz_no": "1", "auth_no": "1", "photo_data": None},
    EcPwdRequest: {**WINDOW, **PATIENT, "device_type": "x"},
}
NAME = "李四"
LIMITS = [
    (model, name, limit)
    for model in GIVEN
    for name, field in model.model_fields.items()
    for limit in [next((m.max_length for m in field.metadata if hasattr(m, "max_length")), None)]
    if limit
]
# The lengths of codes, which are inside a union with their enum.
LIMITS += [(model, "business_type", 6 if model is EcPwdRequest else 5) for model in GIVEN]
LIMITS += [(EcPwdRequest, "id_type", 3), (EcPwdRequest, "mdtrt_cert_type", 3)]
TEXTS = [(model, name) for model, name, _ in LIMITS]


def make(model, **changed):
    return model(**{**GIVEN[model], **changed})


def refusal(model, **changed):
    """What is said of the one field that is wrong."""
    with pytest.raises(ValidationError) as caught:
        make(model, **changed)
    (name,) = changed
    assert {fault["loc"][0] for fault in caught.value.errors()} == {name}
    assert name in str(caught.value)
    return str(caught.value)


def arrived(dll, request):
    with pytest.raises(NationEcError) as caught:  # an echo is no answer
        dll("echo").call(request)
    return json.loads(gb18030.decode(caught.value.exchange.received))["data"]


@pytest.mark.parametrize(("model", "name"), TEXTS)
class TestText:
    @pytest.mark.parametrize("control", ["\0", "\1", "\t", "\n", "\r", "\x1b", "\x1f", "\x7f"], ids=ascii)
    def test_with_a_control_character_is_refused(self, model, name, control):
        for text in (control, f"a{control}", f"{control}a"):
            assert "control character" in refusal(model, **{name: text})

    def test_with_a_lone_surrogate_is_refused(self, model, name):
        for text in ("\ud800", "a\udfff", "\udc00\ud800"):
            assert re.search("unicode|surrogate", refusal(model, **{name: text}))

    @pytest.mark.parametrize(
        "value", [1, 0, 1.5, True, b"1", bytearray(b"1"), ["1"], ("1",), {"1": "1"}, {"1"}, date(2026, 1, 1), object()]
    )
    def test_of_another_type_is_refused(self, model, name, value):
        refusal(model, **{name: value})


@pytest.mark.parametrize(("model", "name", "limit"), LIMITS)
@pytest.mark.parametrize("character", ["a", "长", "𠮷", "👩", "\u0301"], ids=ascii)
def test_length_is_counted_in_characters(dll, model, name, limit, character):
    fitting = make(model, **{name: character * limit})
    assert arrived(dll, fitting)[model.model_fields[name].alias] == character * limit
    assert str(limit) in refusal(model, **{name: character * (limit + 1)})


@pytest.mark.parametrize(
    "text",
    [
        "𠮷野家",
        "𪚥𫠝𬺰",
        "👩\u200d⚕️",
        "🇨🇳",
        "e\u0301g\u0304",
        "\u0301",
        "ཀྵ",
        "阿卜杜·买买提",
        "ئابدۇللا",
        "ᠮᠣᠩᠭᠣᠯ",
        "ꆈꌠ",
        "\ue000\uf8ff\U000f0000\U0010fffd",
        "\ufeff\u200b\u200e\u2028\u0085\u00a0\u3000",
        "\ufdd0\uffff\U0010ffff",
        '"\\/{}[]:,',
        " 张 三 ",
        "龴龻",
        "㐀䶿〇々",
        "镕喆堃",
    ],
    ids=ascii,
)
def test_what_a_name_may_hold_arrives_exactly(dll, text):
    request = make(EcPwdRequest, user_name=text, operator_name=text, ext_data={text: [text]}, extra={text: text})
    data = arrived(dll, request)
    assert (data["userName"], data["operatorName"], data["extData"]) == (text, text, {text: [text]})


def test_what_may_be_json_may_have_control_characters_and_they_arrive(dll):
    lines = '{\r\n\t"a": "\\u0000"\r\n}'
    request = make(QrcodeGetRequest, ext_data=lines, extra={"a": "\0\x1f"})
    assert arrived(dll, request)["extData"] == lines


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("wrong", "meant"),
        [
            ("userNane", "user_name"),
            ("user_nane", "user_name"),
            ("USER_NAME", "user_name"),
            ("UserName", "user_name"),
            ("username", "user_name"),
            ("idno", "id_no"),
            ("operaterId", "operator_id"),
            ("mdtrtCertTyp", "mdtrt_cert_type"),
            ("bussinessType", "business_type"),
            ("ext_date", "ext_data"),
            ("token", "ec_token"),
        ],
    )
    def test_that_are_near_to_one_say_which(self, wrong, meant):
        assert f"{wrong}\n  there is no such field, did you mean {meant}?" in refusal(EcPwdRequest, **{wrong: "李四"})

    @pytest.mark.parametrize("wrong", ["gainWay", "x", "", "医保", "_", "trans_type"])
    def test_that_are_near_to_none_say_nothing(self, wrong):
        assert "did you mean" not in refusal(EcPwdRequest, **{wrong: "李四"})

    def test_a_field_of_a_subclass_is_meant_too(self):
        class Regional(EcQueryRequest):
            gain_way: str = "ALL"

        with pytest.raises(ValidationError, match=r"did you mean gain_way\?"):
            Regional(**WINDOW, gainWey="FACE")

    def test_other_faults_are_told_with_them(self):
        with pytest.raises(ValidationError) as caught:
            EcPwdRequest(
                **{**GIVEN[EcPwdRequest], "operator_id": "9" * 21, "photo": 1, "userNane": "李四", "id_no": ""}
            )
        told = {fault["loc"][0]: (fault["type"], fault["msg"]) for fault in caught.value.errors()}
        assert told == {
            "operator_id": ("string_too_long", "String should have at most 20 characters"),
            "id_no": ("string_too_short", "String should have at least 1 character"),
            "photo": ("extra_forbidden", "there is no such field"),
            "userNane": ("extra_forbidden", "there is no such field, did you mean user_name?"),
        }

    def test_no_value_is_shown(self):
        given = dict.fromkeys(("userNane", "photo_data", "id_type"), "data:" + NAME)
        try:
            EcPwdRequest(**{**GIVEN[EcPwdRequest], **given})
        except ValidationError as error:
            said = f"{error} {error!r} {error.errors()} {error.json()} {pickle.dumps(error)} {traceback.format_exc()}"
            again = pickle.loads(pickle.dumps(error))
            assert NAME not in f"{said} {again} {again.errors()}"
            assert error.__context__ is None


def test_a_name_that_is_given_twice_is_told_so():
    with pytest.raises(ValidationError, match="operator_id\n  this is given twice, also as operatorId") as caught:
        make(EcQueryRequest, operatorId="李四")
    assert NAME not in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(number):
    class Own(EcQueryRequest):
        fee: float

    with pytest.raises(ValidationError, match="finite"):
        Own(**WINDOW, fee=number)


def test_a_request_cannot_be_changed_and_the_error_shows_no_value():
    request = make(EcPwdRequest)
    for name in ("user_name", "no_such_field"):
        with pytest.raises(ValidationError, match=f"{name}\n  a request cannot be changed") as caught:
            setattr(request, name, NAME)
        error = caught.value
        assert error.errors()[0]["type"] == "frozen_instance"
        assert NAME not in f"{error} {error!r} {error.errors()} {error.json()} {pickle.dumps(error)}"
    assert request.user_name == "n"


def test_what_a_validator_of_ones_own_says_is_told_as_it_says_it():
    class Own(EcQueryRequest):
        gain_way: str

        @field_validator("gain_way")
        @classmethod
        def known(cls, value):
            raise PydanticCustomError("value_error", "one of {ways}, and {not this}", {"ways": "MOBILE, FACE"})

    with pytest.raises(ValidationError) as caught:
        Own(**WINDOW, gain_way="李四")
    assert caught.value.errors()[0]["msg"] == "one of MOBILE, FACE, and {not this}"
    assert NAME not in str(caught.value)


class TestPhoto:
    def test_of_102400_characters_is_sent_and_of_more_refused(self, client, simulator):
        client.call(make(EcQueryRequest, photo_data="A" * 102_400))
        assert simulator.requests[-1]["data"]["photoData"] == "A" * 102_400
        for longer in ("A" * 102_401, "A" * 102_404):
            assert "102,400" in refusal(EcQueryRequest, photo_data=longer)

    def test_as_bytes_has_the_same_limit(self, client, simulator):
        client.call(make(EcQueryRequest, photo_data=b"\xff" * 76_800))
        assert simulator.requests[-1]["data"]["photoData"] == "/" * 102_400
        assert "102,404 characters of base64, the limit is 102,400" in refusal(
            EcQueryRequest, photo_data=b"\xff" * 76_801
        )

    @pytest.mark.parametrize(
        ("photo", "told"),
        [
            ("data:image/jpeg;base64,/9j/", "data URI"),
            ("DATA:image/jpeg;base64,/9j/", "data URI"),
            ("", "empty"),
            (b"", "empty"),
            ("/9j", "not base64"),
            ("/9j/\n", "not base64"),
            (" /9j/", "not base64"),
            ("/9-_", "not base64"),
            ("=", "not base64"),
            ("张三", "not base64"),
            ("\ud800", ""),
            (1, ""),
            (["/9j/"], ""),
        ],
    )
    def test_that_is_none_is_refused(self, photo, told):
        said = refusal(EcQueryRequest, photo_data=photo)
        assert told in said

    def test_is_what_was_given(self, client, simulator):
        image = bytes(range(256)) * 10
        for given in (image, bytearray(image), b64encode(image).decode()):
            client.call(make(EcQueryRequest, photo_data=given))
            assert simulator.requests[-1]["data"]["photoData"] == b64encode(image).decode()


def test_a_listed_code_of_another_list_is_text():
    assert type(make(EcQueryRequest, business_type="01A").business_type) is str
    assert make(EcQueryRequest, business_type="01101").business_type is BusinessType.HOSPITAL_REGISTRATION
