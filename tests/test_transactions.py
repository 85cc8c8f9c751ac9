"""The requests and responses against the standard's tables, and what they make of wrong and odd values."""

import enum
import json
import re
from base64 import b64encode
from dataclasses import fields as attributes
from typing import Optional

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from nationec import (
    AuthCheckRequest,
    AuthCheckResponse,
    BusinessType,
    Client,
    EcPwdRequest,
    EcPwdResponse,
    EcQueryRequest,
    EcQueryResponse,
    Envelope,
    IdType,
    MdtrtCertType,
    PwdFlag,
    QrcodeGetRequest,
    QrcodeGetResponse,
    Request,
    Response,
    ResponseFormatError,
    Simulator,
)

from .standard_tables import example, fields, transaction_type

REQUESTS = {
    EcQueryRequest: fields("5.3.3"),
    QrcodeGetRequest: fields("5.4.3"),
    AuthCheckRequest: fields("5.5.3"),
    EcPwdRequest: fields("5.6.3"),
}
RESPONSES = {
    EcQueryResponse: fields("5.3.4"),
    QrcodeGetResponse: fields("5.4.4"),
    AuthCheckResponse: fields("5.5.4"),
    EcPwdResponse: fields("5.6.4"),
}
TABLES = {**REQUESTS, **RESPONSES}

FILLED_IN_BY_CLIENT = {"orgId", "outBizNo"}  # marked Y, and yet the caller need not give them
LEFT_OUT = object()
SECRET = "机密"

WINDOW = {"business_type": "01101", "operator_id": "1", "operator_name": "n", "office_id": "1", "office_name": "o"}


def each(models):
    return pytest.mark.parametrize("model", models, ids=lambda model: model.__name__)


def with_row(name):
    return each([model for model, rows in REQUESTS.items() if any(row.name == name for row in rows)])


def names(model, required="YN"):
    """The wire's names of the model's rows, or of those marked so."""
    return {row.name for row in TABLES[model] if row.required in required}


def full(model, value="1", photo="AAAA"):
    """A value for every row of the model's table."""
    return {row.name: photo if row.name == "photoData" else value for row in TABLES[model]}


def of(model, **values):
    """The request with every row, but for ``values``."""
    given = {**full(model), **values}
    return model(**{name: value for name, value in given.items() if value is not LEFT_OUT})


def faulty(model, **values):
    """The fields that the request with these values is refused for."""
    with pytest.raises(ValidationError) as caught:
        of(model, **values)
    return {to_camel(str(fault["loc"][0])) for fault in caught.value.errors()}


def call(request, **answer):
    """The response, and the message that reached the DLL."""
    simulator = Simulator()
    if answer:
        simulator.answer(**answer)
    with Client("http://localhost", "1234567", transport=simulator) as client:
        return client.call(request), simulator.requests[0]


def wire(request):
    return call(request)[1]


def request_for(model):
    (request,) = (request for request in REQUESTS if request.response_type is model)
    return of(request)


def read(model, data):
    """The response to ``data``, but for what is left out of it."""
    data = {name: value for name, value in data.items() if value is not LEFT_OUT}
    return call(request_for(model), data=data)[0]


class TestTheTables:
    @each(TABLES)
    def test_model_has_the_fields_of_its_table_under_their_names_in_the_standard(self, model):
        ours = {field.alias: field.title for field in model.model_fields.values()}
        if model in REQUESTS:
            assert ours.pop("extra") == "扩展参数"  # of the head
        assert ours == {row.name: row.title for row in TABLES[model]}

    @pytest.mark.parametrize(("model", "number"), [*zip(REQUESTS, ["5.3.2", "5.4.2", "5.5.2", "5.6.2"])])
    def test_trans_type_is_that_of_its_section(self, model, number):
        assert model.trans_type == transaction_type(number)

    @each(REQUESTS)
    def test_every_field_goes_out_under_its_wire_name(self, model):
        assert wire(of(model))["data"] == full(model)

    def test_head_has_the_fields_of_4_2_4_1(self):
        sent = wire(of(EcQueryRequest, extra={"a": 1}))
        assert list(sent) == [row.name for row in fields("4.2.4.1")]
        assert sent["extra"] == {"a": 1}

    def test_envelope_has_the_fields_of_4_2_4_2(self):
        ours = {to_camel(attribute.name) for attribute in attributes(Envelope)}
        assert ours | {"data"} == {row.name for row in fields("4.2.4.2")}

    @each(REQUESTS)
    def test_request_keeps_to_the_lengths(self, model):
        limits = {row.name: int(row.limit) for row in REQUESTS[model] if row.limit.isdigit()}
        of(model, **{name: "长" * limit for name, limit in limits.items()})
        assert faulty(model, **{name: "长" * (limit + 1) for name, limit in limits.items()}) == set(limits)

    @each(RESPONSES)
    def test_response_may_exceed_the_lengths(self, model):
        longer = {row.name: "长" * (int(row.limit or 0) + 1) for row in RESPONSES[model]}
        assert read(model, longer).model_dump(by_alias=True) == longer

    @each(REQUESTS)
    def test_request_needs_what_is_marked_y(self, model):
        undefined = {"extData"}  # §5.6.3 marks it Y and defines no content
        assert faulty(model, **dict.fromkeys(names(model), LEFT_OUT)) == (
            names(model, "Y") - FILLED_IN_BY_CLIENT - undefined
        )

    @each(REQUESTS)
    def test_none_is_refused_in_what_is_marked_y_but_for_a_photo(self, model):
        assert faulty(model, **dict.fromkeys(names(model))) == names(model, "Y") - FILLED_IN_BY_CLIENT - {"photoData"}

    @each(REQUESTS)
    def test_empty_text_is_refused_in_what_is_marked_y_and_for_a_photo(self, model):
        photo = {"photoData"} & names(model)
        assert faulty(model, **dict.fromkeys(names(model), "")) == (names(model, "Y") | photo) - {"extData"}

    @each(REQUESTS)
    def test_what_is_marked_n_is_not_sent_when_it_is_none(self, model):
        request = of(model, **dict.fromkeys(names(model, "N")))
        assert request == of(model, **dict.fromkeys(names(model, "N"), LEFT_OUT))
        assert set(wire(request)["data"]) == names(model, "Y")

    @each(RESPONSES)
    @pytest.mark.parametrize("absent", [LEFT_OUT, None, "", "null"], ids=["left out", "null", "empty", "null text"])
    def test_response_needs_what_is_marked_y_and_reads_none_in_the_rest(self, model, absent):
        with pytest.raises(ResponseFormatError) as caught:
            read(model, dict.fromkeys(names(model), absent))
        assert set(caught.value.missing) == names(model, "Y")
        response = read(model, {**full(model), **dict.fromkeys(names(model, "N"), absent)})
        assert {name for name, value in response.model_dump(by_alias=True).items() if value is None} == names(
            model, "N"
        )


def test_request_of_5_3_5_1_and_response_of_5_3_5_2_are_read_and_written_as_they_stand():
    sent, received = (json.loads(example(number)) for number in ("5.3.5.1", "5.3.5.2"))
    response, message = call(EcQueryRequest(**sent["data"]), raw=example("5.3.5.2"))
    assert message == sent
    told = {name: value for name, value in received["data"].items() if value}
    assert response.model_dump(by_alias=True, exclude_none=True) == told


class TestRequests:
    @each(REQUESTS)
    def test_python_and_wire_names_are_one(self, model):
        python = {field.alias: name for name, field in model.model_fields.items()}
        assert model(**{python[name]: value for name, value in full(model).items()}) == of(model)

    @pytest.mark.parametrize("name", ["operatorId", "operator_id"])
    def test_fault_is_named_as_in_python(self, name):
        given = {**full(EcQueryRequest), "operatorId": LEFT_OUT, name: 1}
        with pytest.raises(ValidationError) as caught:
            EcQueryRequest(**{name: value for name, value in given.items() if value is not LEFT_OUT})
        assert [fault["loc"] for fault in caught.value.errors()] == [("operator_id",)]

    @each(REQUESTS)
    def test_unknown_field_is_refused(self, model):
        assert faulty(model, userNane="1") == {"userNane"}

    @each(REQUESTS)
    @pytest.mark.parametrize("value", [1, 1.5, True, ["1"]], ids=repr)
    def test_wrong_type_is_refused(self, model, value):
        wrong = dict.fromkeys((*full(model), "extra"), value)
        assert faulty(model, **wrong) == set(wrong)

    @each(REQUESTS)
    def test_cannot_be_changed(self, model):
        request = of(model)
        with pytest.raises(ValidationError, match="frozen"):
            request.operator_id = "2"

    @pytest.mark.parametrize(
        ("name", "member"),
        [
            ("business_type", BusinessType.PHARMACY_PURCHASE),
            ("id_type", IdType.OTHER),
            ("mdtrt_cert_type", MdtrtCertType.FACE),
        ],
    )
    def test_listed_code_is_a_member_whether_given_as_one_or_not(self, name, member):
        request = of(EcPwdRequest, **{to_camel(name): member})
        assert request == of(EcPwdRequest, **{to_camel(name): member.value})
        assert getattr(of(EcPwdRequest, **{to_camel(name): member.value}), name) is member
        assert wire(request)["data"][to_camel(name)] == member.value

    @pytest.mark.parametrize(
        ("model", "name", "code"),
        [
            (EcQueryRequest, "business_type", "01999"),
            (EcPwdRequest, "business_type", "019999"),
            (EcPwdRequest, "id_type", "A1"),
            (EcPwdRequest, "mdtrt_cert_type", "05A"),
        ],
    )
    def test_unlisted_code_that_fits_passes_as_it_is(self, model, name, code):
        request = of(model, **{to_camel(name): code})
        assert type(getattr(request, name)) is str
        assert wire(request)["data"][to_camel(name)] == code

    @pytest.mark.parametrize("absent", [LEFT_OUT, None, ""], ids=["left out", "None", "empty"])
    def test_password_check_needs_the_token_with_a_qrcode_only(self, absent):
        of(EcPwdRequest, ecToken=absent, mdtrtCertType=MdtrtCertType.RESIDENT_ID)
        with pytest.raises(ValidationError, match="ecToken is required"):
            of(EcPwdRequest, ecToken=absent, mdtrtCertType=MdtrtCertType.EC_QRCODE)

    def test_subclass_adds_a_field_of_a_province(self):
        class FujianQueryRequest(EcQueryRequest):
            card_type: str

        response, sent = call(FujianQueryRequest(**full(EcQueryRequest), card_type="3"))
        assert sent["data"] == {**full(EcQueryRequest), "cardType": "3"}
        assert type(response) is EcQueryResponse

    def test_transaction_of_ones_own_takes_a_few_lines(self):
        class EcAuthResponse(Response):
            auth_no: str
            score: Optional[str] = None

        class EcAuthRequest(Request[EcAuthResponse]):
            trans_type = "cn.nhsa.ec.auth"
            operator_id: str

        response, sent = call(EcAuthRequest(operator_id="1"), data={"authNo": 77, "score": ""})
        assert response == EcAuthResponse(auth_no="77", score=None)
        assert sent["transType"] == "cn.nhsa.ec.auth"
        assert sent["data"] == {"orgId": "1234567", "operatorId": "1"}


@with_row("photoData")
class TestPhoto:
    def test_bytes_go_out_as_base64_and_base64_as_it_is(self, model):
        for photo in (b"\xff\xd8\xff\xe0 JFIF", "/9j/4CBKRklG"):
            assert wire(of(model, photoData=photo))["data"]["photoData"] == "/9j/4CBKRklG"

    def test_limit_is_102400_characters_of_base64(self, model):
        of(model, photoData="A" * 102_400)
        of(model, photoData=b"\0" * 76_800)
        for larger in ("A" * 102_401, "A" * 102_404, b"\0" * 76_801):
            with pytest.raises(ValidationError, match="the limit is 102,400"):
                of(model, photoData=larger)

    @pytest.mark.parametrize(
        ("photo", "advice"),
        [
            ("data:image/jpeg;base64,AAAA", "data URI"),
            ("", "empty"),
            (b"", "empty"),
            ("AAA", "not base64"),
            ("AA=A", "not base64"),
            ("AAAA\nAA=", "not base64"),
            ("AA-_", "not base64"),
            ("照片照片", "not base64"),
        ],
        ids=lambda value: repr(value[:8]),
    )
    def test_what_is_no_photo_is_refused(self, model, photo, advice):
        with pytest.raises(ValidationError, match=advice):
            of(model, photoData=photo)


def test_face_authorisation_must_say_whether_there_is_a_photo():
    assert faulty(AuthCheckRequest, photoData=LEFT_OUT) == {"photoData"}
    assert "photoData" not in wire(of(AuthCheckRequest, photoData=None))["data"]


class TestExtensions:
    @with_row("extData")
    def test_ext_data_goes_out_as_it_is_given(self, model):
        for value in ({"病区": ["1", {"床": 2}]}, '{"病区":"1"}'):
            assert wire(of(model, extData=value))["data"]["extData"] == value

    def test_password_check_sends_empty_ext_data_unless_given(self):
        assert wire(of(EcPwdRequest, extData=LEFT_OUT))["data"]["extData"] == {}

    @pytest.mark.parametrize(
        "value", [object(), float("nan"), b"1", "\ud800"], ids=["object", "nan", "bytes", "surrogate"]
    )
    def test_what_json_cannot_carry_is_refused(self, value):
        assert faulty(EcPwdRequest, extData={"a": value}, extra={"a": [value]}) == {"extData", "extra"}

    def test_extra_of_the_head_has_at_most_2048_characters_of_json(self):
        around = len('{"a":""}')
        of(EcQueryRequest, extra="长" * 2048)
        of(EcQueryRequest, extra={"a": "长" * (2048 - around)})
        for longer in ("长" * 2049, {"a": "长" * (2049 - around)}):
            assert faulty(EcQueryRequest, extra=longer) == {"extra"}


class TestResponses:
    @each(RESPONSES)
    @pytest.mark.parametrize("number", ["533222199909090123", "0", "1.50"])
    def test_number_is_read_as_its_digits(self, model, number):
        data = ",".join(f'"{name}":{number}' for name in names(model) - {"extra"})
        response, _ = call(request_for(model), raw=f'{{"code":0,"data":{{{data}}}}}')
        assert set(response.model_dump(exclude={"extra"}).values()) == {number}

    @each(RESPONSES)
    @pytest.mark.parametrize("value", [True, ["1"], {"a": "1"}], ids=repr)
    def test_value_that_is_no_text_cannot_be_read(self, model, value):
        texts = names(model) - {"extra"}
        with pytest.raises(ResponseFormatError) as caught:
            read(model, dict.fromkeys(texts, value))
        assert set(caught.value.unreadable) == texts
        assert caught.value.missing == ()

    @each(RESPONSES)
    def test_unlisted_fields_are_kept_as_they_came(self, model):
        unlisted = {"insuType": "310", "balance": 12, "note": "", "org_code": None, "list": [{}]}
        assert read(model, {**full(model), **unlisted}).model_extra == unlisted

    @each(RESPONSES)
    @pytest.mark.parametrize(
        ("extra", "parsed"),
        [({"a": 1}, {"a": 1}), ('{"a":1}', {"a": 1}), ("[]", []), ("预留", "预留"), ("{", "{")],
        ids=repr,
    )
    def test_extra_is_parsed_where_it_is_json_text(self, model, extra, parsed):
        assert read(model, {**full(model), "extra": extra}).extra == parsed

    @pytest.mark.parametrize(("code", "kind"), [("99", IdType), ("A1", str)])
    def test_code_is_a_member_where_it_is_listed(self, code, kind):
        id_type = read(EcQueryResponse, {**full(EcQueryResponse), "idType": code}).id_type
        assert (id_type, type(id_type)) == (code, kind)

    @pytest.mark.parametrize(
        ("flag", "pwd_flag", "is_valid"),
        [("1", PwdFlag.VALID, True), (1, "1", True), ("0", PwdFlag.INVALID, False), (0, "0", False), ("2", "2", False)],
        ids=repr,
    )
    def test_password_is_valid_where_the_flag_is_1(self, flag, pwd_flag, is_valid):
        response = read(EcPwdResponse, {"pwdFlag": flag, "ecToken": "1"})
        assert (response.pwd_flag, response.is_valid) == (pwd_flag, is_valid)


class TestPrivacy:
    @each(REQUESTS)
    def test_request_shows_its_own_numbers_and_no_value(self, model):
        numbers = {name: f"number of {name}" for name in FILLED_IN_BY_CLIENT & names(model)}
        extensions = {name: {SECRET: SECRET} for name in ("extData", "extra") if name in {*names(model), "extra"}}
        request = model(**{**full(model, SECRET, photo=SECRET.encode()), **numbers, **extensions})
        shown = f"{request!r} {request}"
        assert SECRET not in shown
        assert b64encode(SECRET.encode()).decode() not in shown
        assert all(number in shown for number in numbers.values())

    @each(RESPONSES)
    def test_response_shows_no_value(self, model):
        response = model(**full(model, SECRET), unlisted=SECRET)
        assert SECRET not in f"{response!r} {response}"

    @each(REQUESTS)
    @pytest.mark.parametrize(
        "value",
        [SECRET * 60_000, [SECRET], {SECRET: object()}, SECRET.encode("gb18030"), f"data:{SECRET}", f"{SECRET}\ud800"],
        ids=["too long", "list", "no JSON", "bytes", "data URI", "surrogate"],
    )
    def test_validation_error_of_a_request_shows_no_value(self, model, value):
        with pytest.raises(ValidationError) as caught:
            model(**dict.fromkeys((*full(model), "extra", "unlisted"), value))
        assert SECRET not in f"{caught.value!r} {caught.value}"

    @each(RESPONSES)
    @pytest.mark.parametrize(
        "value", [[SECRET], {SECRET: SECRET}, SECRET.encode("gb18030")], ids=["list", "dict", "bytes"]
    )
    def test_validation_error_of_a_response_shows_no_value(self, model, value):
        for data in (value, dict.fromkeys((*full(model), "unlisted"), value)):
            with pytest.raises(ValidationError) as caught:
                model.model_validate(data)
            assert SECRET not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("photo", ["====", "A===", "AAAA===="])
def test_padding_alone_is_no_base64(photo):
    with pytest.raises(ValidationError, match="not base64"):
        EcQueryRequest(**WINDOW, photo_data=photo)


def test_bytearray_is_an_image_like_bytes():
    assert EcQueryRequest(**WINDOW, photo_data=bytearray(b"abcd")).photo_data == "YWJjZA=="


def test_an_enum_of_the_users_own_is_not_shown():
    class Disease(str, enum.Enum):
        HIV = "B20"

    class Regional(EcQueryRequest):
        disease: Disease

    assert "B20" not in repr(Regional(**WINDOW, disease="B20"))


@pytest.mark.parametrize("number", [1, 0])
def test_password_flag_that_is_a_number_is_a_member(number):
    simulator = Simulator()
    simulator.answer(data={"pwdFlag": number, "ecToken": "1"})
    request = EcPwdRequest(**WINDOW, id_no="1", id_type="01", user_name="1", mdtrt_cert_type="02A")
    flag = Client("http://h", "1", transport=simulator).call(request).pwd_flag
    assert flag is PwdFlag(str(number))
    with pytest.raises(ValidationError):
        EcPwdResponse(pwd_flag=True, ec_token="1")


@pytest.mark.parametrize("key", [533222199909090123, b"533222199909090123"])
@pytest.mark.parametrize("field", ["ext_data", "extra"])
def test_key_of_an_extension_is_not_shown_in_an_error(field, key):
    with pytest.raises(ValidationError) as caught:
        QrcodeGetRequest(**WINDOW, unlisted=1, **{field: {key: 1}})
    assert "533222" not in str(caught.value)


@pytest.mark.parametrize(("model", "name", "limit"), [(EcQueryResponse, "idType", 64), (EcPwdResponse, "pwdFlag", 2)])
def test_the_schema_tells_the_length_of_a_code_in_a_response(model, name, limit):
    assert model.model_json_schema()["properties"][name]["maxLength"] == limit


@pytest.mark.parametrize("model", [*REQUESTS, *RESPONSES])
def test_no_schema_tells_a_length_that_no_table_has(model):
    told = set(map(int, re.findall(r'"maxLength": (\d+)', json.dumps(model.model_json_schema()))))
    assert told
    assert told <= {int(row.limit) for row in TABLES[model] if row.limit.isdigit()}
