"""Any bytes as an answer: a result, or an error of the library, and never another patient than a plain reading gives.

The first byte chooses the transaction, the encoding and the return value; the rest is OutData.
"""

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

# The parser anew, in Python and not in C, so that it guides the fuzzer.
for name in [name for name in sys.modules if name.split(".")[0] == "json"]:
    del sys.modules[name]
sys.modules["_json"] = None
with atheris.instrument_imports(include=["nationec", "json"]):
    import json

    import nationec
    from nationec import AuthCheckRequest, Client, EcPwdRequest, EcQueryRequest, NationEcError, QrcodeGetRequest

WINDOW = {"business_type": "01101", "operator_id": "1", "operator_name": "n", "office_id": "1", "office_name": "o"}
REQUESTS = [
    EcQueryRequest(**WINDOW),
    QrcodeGetRequest(**WINDOW, out_biz_no="1"),
    AuthCheckRequest(**WINDOW, out_biz_no="1", auth_no="1", photo_data=None),
    EcPwdRequest(**WINDOW, id_no="1", id_type="01", user_name="n", mdtrt_cert_type="02A"),
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
    {"code": 0, "message": "处理成功", "data": PATIENT, "orgId": "1", "extra": {"a": [1.5, None, True]}},
    {"code": "500004", "cause": "密码错误", "data": None, "extra": ""},
    {"code": 0, "data": json.dumps(PATIENT), "extra": "null"},
]


class Canned:
    def exchange(self, url, in_data):
        return self.returned, self.out_data

    def close(self):
        pass


canned = Canned()
CLIENTS = {encoding: Client("http://h", "1", transport=canned, encoding=encoding) for encoding in ENCODINGS}


def plain(raw, encoding):
    """The answer, where nothing about it is unusual."""
    with suppress(ValueError, RecursionError):
        twice = []
        answer = json.loads(
            raw.decode(encoding),
            object_pairs_hook=lambda pairs: twice.append(len(dict(pairs)) < len(pairs)) or dict(pairs),
        )
        if not any(twice) and isinstance(answer, dict) and type(answer.get("code")) is int:
            return answer
    return None


def one(raw):
    choice = raw[0] if raw else 0
    encoding = ENCODINGS[choice >> 2 & 3]
    canned.out_data = raw[1:]
    canned.returned = {0: b"0000", 1: b"0000", 2: b"-1", 3: raw[1:40]}[choice >> 4 & 3]
    answer = plain(canned.out_data, encoding)
    try:
        exchange = CLIENTS[encoding].exchange(REQUESTS[choice & 3])
    except NationEcError as error:
        f"{error} {error!r} {error.exchange!r}".encode()
        assert error.__context__ is None
        if isinstance(error, nationec.BusinessError) and answer:
            assert error.code == answer["code"] != 0
        return
    repr(exchange), repr(exchange.data), repr(exchange.envelope)
    assert exchange.envelope.code == 0
    if answer:
        assert answer["code"] == 0
        if isinstance(answer.get("data"), dict):
            for name, field in type(exchange.data).model_fields.items():
                value = answer["data"].get(field.alias)
                if isinstance(value, str) and value not in ("", "null") and name != "extra":
                    assert getattr(exchange.data, name) == value.translate(
                        {ord(private): real for _, private, real in nationec.gb18030.MENDED}
                    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS):
            for choice, encoding in ((0, "gb18030"), (12, "utf-8"), (0x20, "gb18030")):
                text = json.dumps(seed, ensure_ascii=False)
                (Path(folder) / f"{number}-{choice}").write_bytes(bytes([choice]) + text.encode(encoding))
        atheris.Setup([*sys.argv, folder], one)
        atheris.Fuzz()
