"""The enums against the standard's tables: every row, every member, in order."""

import json

import pytest

from nationec import BusinessType, IdType, MdtrtCertType, OrderStatus, PwdFlag, ReturnCode
from nationec.codes import with_leading_zero

from .standard_tables import fields, table

ENUMS = [BusinessType, IdType, OrderStatus, MdtrtCertType, PwdFlag, ReturnCode]
every_enum = pytest.mark.parametrize("enum", ENUMS)


def business_types():
    """§6.1 with its merged cells filled in and its two codes joined."""
    code, first_level = "", ""
    for first_code, first_name, second_code, label, remark in table("6.1"):
        code, first_level = first_code or code, first_name or first_level
        yield code + second_code, first_level, label, remark


def test_business_types_are_those_of_6_1():
    rows = list(business_types())
    assert len(rows) == 22
    ours = [
        (member.value, member.first_level, member.label, member.remark) for member in BusinessType
    ]
    assert ours == rows


@pytest.mark.parametrize(
    ("enum", "number", "count"),
    [(IdType, "6.2", 16), (OrderStatus, "6.3", 17), (MdtrtCertType, "6.5", 4)],
)
def test_dictionary_is_that_of_its_section(enum, number, count):
    rows = [(code, label) for code, label, *_ in table(number)]
    assert len(rows) == count
    assert [(member.value, member.label) for member in enum] == rows


def test_password_flags_are_those_of_the_remark_in_5_6_4():
    (remark,) = (row.remark for row in fields("5.6.4") if row.name == "pwdFlag")
    assert remark == "；".join(f"{member.value}-{member.label}" for member in PwdFlag)


def test_return_codes_are_those_of_7_1():
    rows = [(int(code), scope, label) for code, scope, label in table("7.1")]
    assert len(rows) == 54
    assert [(member.value, member.scope, member.label) for member in ReturnCode] == rows


@every_enum
def test_no_two_members_share_a_code(enum):
    assert len(enum.__members__) == len(set(map(str, enum)))


@every_enum
def test_members_equal_their_codes_and_are_found_by_them(enum):
    for member in enum:
        assert member == member.value
        assert enum(member.value) is member


@every_enum
def test_members_are_written_as_their_codes(enum):
    for member in enum:
        code = str(member.value)
        assert (str(member), format(member), f"{member:>8}") == (code, code, code.rjust(8))
        assert json.dumps(member) == json.dumps(member.value)


@pytest.mark.parametrize(
    ("enum", "code"),
    [
        (BusinessType, "01999"),
        (BusinessType, "101"),
        (IdType, "1"),
        (OrderStatus, "17"),
        (MdtrtCertType, "05A"),
        (PwdFlag, "2"),
        (ReturnCode, 1),
        (ReturnCode, 500010),
    ],
)
def test_code_that_is_not_listed_has_no_member(enum, code):
    with pytest.raises(ValueError, match="is not a valid"):
        enum(code)


@pytest.mark.parametrize(
    ("field", "value", "listed"),
    [
        ("business_type", "1101", BusinessType.HOSPITAL_REGISTRATION),
        ("id_type", "1", IdType.RESIDENT_ID),
        ("mdtrt_cert_type", "1A", MdtrtCertType.EC_QRCODE),
        ("business_type", "01101", None),
        ("business_type", "1", None),
        ("business_type", BusinessType.HOSPITAL_REGISTRATION, None),
        ("operator_id", "1", None),
        ("id_type", 1, None),
    ],
)
def test_code_that_lost_its_zero_is_found_by_it(field, value, listed):
    assert with_leading_zero(field, value) is listed
