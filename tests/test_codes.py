"""The enums against the standard's tables: every row, every member, in order."""

import json

import pytest

from nationec import BusinessType, IdType, MdtrtCertType, OrderStatus, PwdFlag, ReturnCode

from .standard_tables import fields, table

ENUMS = [BusinessType, IdType, OrderStatus, MdtrtCertType, PwdFlag, ReturnCode]


def test_business_types_are_those_of_6_1():
    rows, code, first_level = [], "", ""
    for first_code, first_name, second_code, label, remark in table("6.1"):
        code, first_level = first_code or code, first_name or first_level  # the cells are merged
        rows.append((code + second_code, first_level, label, remark))
    assert [
        (each.value, each.first_level, each.label, each.remark) for each in BusinessType
    ] == rows


@pytest.mark.parametrize(
    ("enum", "number"), [(IdType, "6.2"), (OrderStatus, "6.3"), (MdtrtCertType, "6.5")]
)
def test_dictionary_is_that_of_its_section(enum, number):
    rows = [(code, label) for code, label, *_ in table(number)]
    assert [(member.value, member.label) for member in enum] == rows


def test_password_flags_are_those_of_the_remark_in_5_6_4():
    (remark,) = (row.remark for row in fields("5.6.4") if row.name == "pwdFlag")
    assert remark == "；".join(f"{member.value}-{member.label}" for member in PwdFlag)


def test_return_codes_are_those_of_7_1():
    rows = [(int(code), scope, label) for code, scope, label in table("7.1")]
    assert [(member.value, member.scope, member.label) for member in ReturnCode] == rows


@pytest.mark.parametrize("enum", ENUMS)
def test_members_equal_their_codes_are_found_by_them_alone_and_written_as_them(enum):
    assert len(enum.__members__) == len(set(map(str, enum)))
    for member in enum:
        assert member == member.value
        assert enum(member.value) is member
        code = str(member.value)
        assert (str(member), format(member), f"{member:>8}") == (code, code, code.rjust(8))
        assert json.dumps(member) == json.dumps(member.value)
    for code in ("01999", "1101", "101", "05A", "1A", "18", 18, 500010):
        with pytest.raises(ValueError, match="is not a valid"):
            enum(code)
