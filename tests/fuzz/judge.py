"""Any bytes as an answer: a result or an error of the library, and never a wrong patient.

The first byte chooses the transaction, the encoding and the return value; the rest is OutData.
"""

import json
import logging
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nationec"]):
    from nationec import (
        AnyRequest,
        AuthCheckRequest,
        BusinessError,
        Client,
        EcPwdRequest,
        EcQueryRequest,
        NationEcError,
        QrcodeGetRequest,
        gb18030,
    )

WINDOW = {
    "business_type": "01101",
    "operator_id": "1",
    "operator_name": "n",
    "office_id": "1",
    "office_name": "o",
}
REQUESTS = [
    EcQueryRequest(**WINDOW),
    QrcodeGetRequest(**WINDOW, out_biz_no="1"),
    AuthCheckRequest(**WINDOW, out_biz_no="1", auth_no="1", photo_data=None),
    EcPwdRequest(**WINDOW, id_no="1", id_type="01", user_name="n", mdtrt_cert_type="02A"),
    AnyRequest("cn.nhsa.cert.get"),
]
ENCODINGS = ["gb18030", "gb18030", "gb18030", "utf-8"]
PATIENT = {
    "idNo": "1",
    "idType": "01",
    "userName": "张三",
    "ecToken": "T",
    "insuOrg": "4",
    "authNo": "A",
    "pwdFlag": "1",
}
SEEDS = [
    {
        "code": 0,
        "message": "处理成功",
        "data": PATIENT,
        "orgId": "1",
        "extra": {"a": [1.5, None, True]},
    },
    {"code": "500004", "cause": "密码错误", "data": None, "extra": ""},
    {"code": 0, "data": json.dumps(PATIENT), "extra": "null"},
]


class Canned:
    def exchange(self, url, in_data):
        return self.returned, self.out_data

    def close(self):
        pass


canned = Canned()
CLIENTS = {
    encoding: Client("http://h", "1", transport=canned, encoding=encoding) for encoding in ENCODINGS
}


def plain(raw, encoding):
    """The answer, where nothing about it is unusual."""
    with suppress(ValueError, RecursionError):
        answer = json.loads(raw.decode(encoding))
        if isinstance(answer, dict) and type(answer.get("code")) is int:
            return answer
    return None


def one(raw):
    choice = raw[0] if raw else 0
    encoding = ENCODINGS[choice >> 3 & 3]
    canned.out_data = raw[1:]
    canned.returned = {0: b"0000", 1: b"0000", 2: b"-1", 3: raw[1:40]}[choice >> 5 & 3]
    answer = plain(canned.out_data, encoding)
    try:
        exchange = CLIENTS[encoding].exchange(REQUESTS[(choice & 7) % len(REQUESTS)])
    except NationEcError as error:
        f"{error} {error!r} {error.exchange!r} {error.for_operator}".encode()
        assert error.__context__ is None
        if isinstance(error, BusinessError) and answer:
            assert error.code == answer["code"] != 0
        return
    repr(exchange), repr(exchange.data), repr(exchange.envelope)
    assert exchange.envelope.code == 0
    if answer:
        assert answer["code"] == 0
        if isinstance(answer.get("data"), dict):
            same_patient(exchange.data, answer["data"])


def same_patient(data, plainly):
    for name, field in type(data).model_fields.items():
        value = plainly.get(field.alias)
        plain = isinstance(value, str) and value.isprintable() and value not in ("", "null")
        if plain and name != "extra" and name not in plainly:
            assert getattr(data, name) == value.translate(REAL)


REAL = {ord(private): real for _, private, real in gb18030.MENDED}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS):
            for choice, encoding in ((0, "gb18030"), (24, "utf-8"), (0x40, "gb18030")):
                text = json.dumps(seed, ensure_ascii=False)
                (Path(folder) / f"{number}-{choice}").write_bytes(
                    bytes([choice]) + text.encode(encoding)
                )
        logging.disable()
        atheris.Setup([*sys.argv, folder], one)
        atheris.Fuzz()
