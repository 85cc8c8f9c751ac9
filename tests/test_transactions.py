"""The requests and responses against the tables that they are, row by row."""

import json
import re
from datetime import date

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from nationec import (
    AuthCheckRequest,
    BusinessType,
    Client,
    EcAuthRequest,
    EcPwdRequest,
    EcPwdResponse,
    EcQueryRequest,
    EcQueryResponse,
    Envelope,
    IdType,
    MdtrtCertType,
    PwdFlag,
    QrcodeGetRequest,
    ResponseFormatError,
    Simulator,
)
from nationec.doubts import widened
from nationec.models import chinese_name
from nationec.transactions import TRANSACTIONS

from .conftest import COMMON
from .standard_tables import fields, section

SECTIONS = {
    EcQueryRequest: ("5.3.3", "5.3.4"),
    QrcodeGetRequest: ("5.4.3", "5.4.4"),
    AuthCheckRequest: ("5.5.3", "5.5.4"),
    EcPwdRequest: ("5.6.3", "5.6.4"),
    EcAuthRequest: ("cn.nhsa.ec.auth.request", "cn.nhsa.ec.auth.response"),
}
REQUESTS = {model: fields(of_request) for model, (of_request, _) in SECTIONS.items()}
RESPONSES = {model.response_type: fields(answer) for model, (_, answer) in SECTIONS.items()}
TABLES = {**REQUESTS, **RESPONSES}
JSON = {"extra", "extData"}
LEFT_OUT = object()
each_model = pytest.mark.parametrize("model", TABLES)
each_request = pytest.mark.parametrize("model", REQUESTS)
each_response = pytest.mark.parametrize("model", RESPONSES)


def test_each_transaction_is_held_against_its_table():
    assert {*SECTIONS} == {*TRANSACTIONS.values()}


def names(model, required="YN"):
    """The wire's names of the model's rows, or of those marked so."""
    return {row.name for row in TABLES[model] if row.required in required}


def limits(model):
    digits = {row.name: row.limit for row in TABLES[model]}
    return {name: int(limit) for name, limit in digits.items() if limit.isdigit()}


def full(model):
    """A value for every row of the model's table."""
    return {row.name: "AAAA" if row.name == "photoData" else "1" for row in TABLES[model]}


def of(model, **values):
    """The request with every row, but for ``values``."""
    given = {**full(model), **values}
    return model(**{name: value for name, value in given.items() if value is not LEFT_OUT})


def faults(model, **values):
    """The fields that the request with these values is refused for, and what is said of them."""
    with pytest.raises(ValidationError) as caught:
        of(model, **values)
    return {to_camel(str(*fault["loc"])): fault["msg"] for fault in caught.value.errors()}


def wire(request):
    """``data`` as it reaches the DLL."""
    simulator = Simulator()
    Client("http://localhost", "1234567", transport=simulator).call(request)
    return simulator.requests[0]["data"]


def read(model, data):
    """The response to ``data``, but for what is left out of it."""
    (request,) = (request for request in REQUESTS if request.response_type is model)
    data = {name: value for name, value in data.items() if value is not LEFT_OUT}
    simulator = Simulator()
    simulator.answer(raw=json.dumps({"code": 0, "data": data}))
    return Client("http://localhost", "1234567", transport=simulator).call(of(request))


class TestTheTables:
    @each_model
    def test_model_has_the_fields_of_its_table_under_their_names_in_the_standard(self, model):
        rows = model.model_fields.items()
        ours = {row.alias: chinese_name(model, name) for name, row in rows}
        assert ours == {row.name: row.title for row in TABLES[model]}

    def test_trans_type_is_that_of_its_section(self):
        for model, number in zip(REQUESTS, ("5.3.2", "5.4.2", "5.5.2", "5.6.2")):
            assert model.trans_type == section(number).split()[-1]
        assert EcAuthRequest.trans_type == section(SECTIONS[EcAuthRequest][0]).split()[0]

    def test_envelope_has_the_fields_of_4_2_4_2(self):
        ours = {to_camel(name) for name in Envelope.model_fields}
        assert ours == {row.name for row in fields("4.2.4.2")}

    @each_request
    def test_request_needs_what_is_marked_y(self, model):
        # §5.5.3 leaves photoData to the caller; §5.6.3 defines no content for extData.
        needed = names(model, "Y") - {"orgId", "outBizNo", "photoData", "extData"}
        told = faults(model, **dict.fromkeys(names(model), LEFT_OUT))
        assert set(told) == needed
        assert all("must be given" in text for text in told.values())
        assert set(faults(model, **dict.fromkeys(names(model)))) - {"extData"} == needed
        told = faults(model, **dict.fromkeys(names(model), ""))
        assert set(told) == (names(model, "Y") | {"photoData"} & names(model)) - {"extData"}

    @each_request
    def test_what_is_marked_n_is_not_sent_when_it_is_none(self, model):
        request = of(model, **dict.fromkeys(names(model, "N")))
        assert request == of(model, **dict.fromkeys(names(model, "N"), LEFT_OUT))
        assert set(wire(request)) == names(model, "Y")

    @each_response
    def test_response_needs_what_is_marked_y_and_reads_none_in_the_rest(self, model):
        for absent in (LEFT_OUT, None, "", "null"):
            if names(model, "Y"):
                with pytest.raises(ResponseFormatError) as caught:
                    read(model, dict.fromkeys(names(model), absent))
                assert set(caught.value.missing) == names(model, "Y"), absent
            response = read(model, {**full(model), **dict.fromkeys(names(model, "N"), absent)})
            data = response.model_dump(by_alias=True)
            assert {name for name in data if data[name] is None} == names(model, "N"), absent

    @each_response
    def test_response_may_exceed_the_lengths_and_a_number_is_read_as_its_digits(self, model):
        for value in ("长" * 200, 533222199909090123, 0, 1.5):
            texts = dict.fromkeys(names(model) - JSON, value)
            values = read(model, {**texts, **dict.fromkeys(names(model) & JSON)}).model_dump()
            assert {value for value in values.values() if value is not None} == {str(value)}

    @each_response
    def test_value_of_the_response_that_is_no_text_cannot_be_read(self, model):
        texts = names(model) - JSON
        with pytest.raises(ResponseFormatError) as caught:
            read(model, dict.fromkeys(texts, True))
        assert set(caught.value.unreadable) == texts

    @each_model
    def test_schema_tells_the_lengths_of_the_table_and_no_others(self, model):
        schema = json.dumps(model.model_json_schema())
        told = set(map(int, re.findall(r'"maxLength": (\d+)', schema)))
        assert told == set(limits(model).values())


@each_request
class TestTextOfARequest:
    def test_length_is_counted_in_characters_and_all_of_them_arrive(self, model):
        for character in ("长", "𠮷"):
            fitting = {name: character * limit for name, limit in limits(model).items()}
            assert wire(of(model, **fitting)) == {**full(model), **fitting}
            told = faults(model, **{name: text + character for name, text in fitting.items()})
            assert {name: text.partition(": ")[2] for name, text in told.items()} == {
                name: f"at most {limit} characters" for name, limit in limits(model).items()
            }

    def test_control_characters_and_lone_surrogates_are_refused(self, model):
        controls = dict.fromkeys("\0\1\t\n\r\x1b\x1f\x7f", "no control characters")
        for wrong, said in {**controls, "\ud800": "surrogate"}.items():
            told = faults(model, **dict.fromkeys(limits(model), f"a{wrong}"))
            assert set(told) == set(limits(model)), ascii(wrong)
            assert all(said in fault for fault in told.values()), ascii(wrong)

    def test_another_type_is_refused(self, model):
        wrong = names(model) - {"photoData"} - JSON
        for value in (1, 1.5, True, date(2026, 1, 1), b"1", bytearray(b"1"), ["1"], object()):
            assert set(faults(model, **dict.fromkeys(wrong, value))) == wrong, repr(value)


class TestCodes:
    def test_listed_code_is_a_member_and_an_unlisted_one_that_fits_passes_as_it_is(self):
        for name, member, unlisted in (
            ("business_type", BusinessType.PHARMACY_PURCHASE, "019999"),
            ("id_type", IdType.OTHER, "A1"),
            ("mdtrt_cert_type", MdtrtCertType.FACE, "05A"),
        ):
            for given, read in ((member, member), (member.value, member), (unlisted, unlisted)):
                request = of(EcPwdRequest, **{to_camel(name): given})
                assert (getattr(request, name), type(getattr(request, name))) == (read, type(read))
                assert wire(request)[to_camel(name)] == read

    def test_code_of_a_response_is_a_member_where_it_is_listed(self):
        for code, kind in (("99", IdType), ("A1", str)):
            id_type = read(EcQueryResponse, {**full(EcQueryResponse), "idType": code}).id_type
            assert (id_type, type(id_type)) == (code, kind)
        for flag, kind, is_valid in ((1, PwdFlag, True), ("0", PwdFlag, False), (2, str, False)):
            response = read(EcPwdResponse, {"pwdFlag": flag, "ecToken": "1"})
            assert (response.pwd_flag, type(response.pwd_flag)) == (str(flag), kind)
            assert response.is_valid is is_valid


class TestWhatOneTransactionAsks:
    def test_password_check_needs_the_token_with_a_qrcode_only(self):
        told = "身份核验令牌 ec_token must be given when mdtrt_cert_type is 01A (a QR code)"
        for absent in (LEFT_OUT, None, ""):
            of(EcPwdRequest, ecToken=absent, mdtrtCertType=MdtrtCertType.RESIDENT_ID)
            assert faults(EcPwdRequest, ecToken=absent, mdtrtCertType="01A") == {"": told}

    def test_password_check_sends_empty_ext_data_unless_given(self):
        assert wire(of(EcPwdRequest, extData=LEFT_OUT))["extData"] == {}

    def test_the_terminals_ext_data_goes_out_as_text(self):
        for value in ({"院区": 1}, '{"院区":1}'):
            assert wire(of(EcAuthRequest, extData=value))["extData"] == '{"院区":1}'


def test_widened_refuses_what_its_class_refuses():
    for wrong in (None, "", 1, 10**30, "a" * 30 + "\n"):
        with pytest.raises(ValidationError, match="operator_id"):
            widened(EcQueryRequest)(**{**COMMON, "operator_id": wrong})
