"""Any bytes: ``gb18030.decode`` gives what Python's codec gives but for the nineteen."""

import sys

import atheris

with atheris.instrument_imports(include=["nationec"]):
    from nationec import gb18030

REAL = {ord(private): real for _, private, real in gb18030.MENDED}


def outcome(decode, raw):
    try:
        return decode(raw)
    except UnicodeDecodeError as error:
        return error.reason, error.start, error.end


def one(raw):
    text = outcome(gb18030.decode, raw)
    plain = outcome(lambda raw: raw.decode("gb18030"), raw)
    if not isinstance(text, str):
        assert text == plain
        return
    assert text == plain.translate(REAL)
    again = gb18030.encode(text)
    assert gb18030.decode(again) == text
    assert gb18030.encode(gb18030.decode(again)) == again


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
