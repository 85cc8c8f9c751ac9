"""Whole processes, each against a Python that imports pydantic and makes one model with one field.

To import the client; to answer ``nationec call --simulate --json -``; to decode the first patient
through ``IsolatedDll``, the start of the other process included. Wall-clock time, interleaved.
"""

import json
import os
import statistics
import subprocess
import sys
from time import perf_counter

from .common import WINDOW, row, standin

ROUNDS = 15

A_MODEL = """
from pydantic import BaseModel
class Model(BaseModel):
    name: str
Model(name="x")
"""
IMPORT = "from nationec import Client"
FIRST_PATIENT = """
import sys
from nationec import Client, EcQueryRequest
with Client("http://h/localQrCodeQuery", "35020319001", dll=sys.argv[1], timeout=60) as client:
    insured = client.call(
        EcQueryRequest(
            business_type="01101",
            operator_id="test001",
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )
assert insured.user_name == "张三"
"""
MESSAGE = {"orgId": "35020319001", "transType": "ec.query", "data": WINDOW}


def seconds(command, stdin):
    started = perf_counter()
    subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True)
    return perf_counter() - started


def main():
    path, python = standin(), [sys.executable, "-c"]
    call = [sys.executable, "-m", "nationec", "call", "--simulate", "--json", "-"]
    stdin = json.dumps(MESSAGE).encode()
    os.environ.pop("NATIONEC_URL", None)
    # Without bytecode nationec would be compiled in each process, and pydantic not.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for what, ours, limit in (
        ("from nationec import Client, against one pydantic model", [*python, IMPORT], 1.45),
        ("nationec call --simulate --json -, against the same", call, 1.55),
        ("the first patient through IsolatedDll", [*python, FIRST_PATIENT, path], 1.6),
    ):
        rounds = [(seconds(ours, stdin), seconds([*python, A_MODEL], stdin)) for _ in range(ROUNDS)]
        value = statistics.median(ours / theirs for ours, theirs in rounds)
        row(what, value, limit, f"{min(ours for ours, _ in rounds) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
