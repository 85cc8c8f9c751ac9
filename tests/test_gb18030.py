"""The nineteen characters of the 2022 edition, and Python's own codec for all the rest."""

import re

import pytest

from nationec import gb18030

# Two bytes, what Python decodes them to, the character, what Python encodes it to.
TABLE = """
    A6D9 E78D FE10 84318236   A6DA E78E FE12 84318238   A6DB E78F FE11 84318237
    A6DC E790 FE13 84318239   A6DD E791 FE14 84318330   A6DE E792 FE15 84318331
    A6DF E793 FE16 84318332   A6EC E794 FE17 84318333   A6ED E795 FE18 84318334
    A6F3 E796 FE19 84318335   A8BC E7C7 1E3F 8135F437   FE59 E81E 9FB4 82359037
    FE61 E826 9FB5 82359038   FE66 E82B 9FB6 82359039   FE67 E82C 9FB7 82359130
    FE6D E832 9FB8 82359131   FE7E E843 9FB9 82359132   FE90 E854 9FBA 82359133
    FEA0 E864 9FBB 82359134
"""
ROWS = [
    (bytes.fromhex(two), chr(int(private, 16)), chr(int(real, 16)), bytes.fromhex(four))
    for two, private, real, four in re.findall(r"(\w+) (\w+) (\w+) (\w+)", TABLE)
]
BOTH = "".join(private + real for _, private, real, _ in ROWS)


@pytest.mark.parametrize(("two", "private", "real", "four"), ROWS, ids=[row[2] for row in ROWS])
def test_both_forms_of_the_nineteen_are_the_real_character_and_go_out_as_two_bytes(
    two, private, real, four
):
    before = "张".encode("gb18030")
    assert gb18030.decode(before + two + b"3" + four) == f"张{real}3{real}"
    assert gb18030.encode(f"张{private}3{real}") == before + two + b"3" + two


def test_every_other_code_point_is_as_python_has_it():
    the_nineteen = dict.fromkeys(map(ord, BOTH))
    different = []
    for start in (*range(0, 0xD800, 256), *range(0xE000, 0x110000, 256)):
        text = "".join(map(chr, range(start, start + 256))).translate(the_nineteen)
        raw = text.encode("gb18030")
        if gb18030.encode(text) != raw or gb18030.decode(raw) != text:
            different.append(hex(start))
    assert different == []


def test_every_two_bytes_decode_as_in_python_but_for_the_nineteen():
    def decoded(decode, raw):
        try:
            return decode(raw)
        except UnicodeDecodeError as error:
            return error.reason, error.start, error.end

    different = {}
    for raw in (bytes([lead, trail]) for lead in range(256) for trail in range(256)):
        ours = decoded(gb18030.decode, raw)
        if ours != decoded(lambda raw: raw.decode("gb18030"), raw):
            different[raw] = ours
    assert different == {two: real for two, _, real, _ in ROWS}


def test_what_is_no_text_and_what_is_no_gb18030_are_refused():
    for text in ("张\udc80三", "龴\ud800"):
        with pytest.raises(UnicodeEncodeError):
            gb18030.encode(text)
    for raw in ("ff", "d5", "813081", "8431a530", "e3329a36"):
        with pytest.raises(UnicodeDecodeError):
            gb18030.decode(bytes.fromhex(raw))
