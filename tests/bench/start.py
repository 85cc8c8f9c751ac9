"""The CPU time of a new process: to its imports, and to its first decoded patient."""

import statistics
import subprocess
import sys

from .common import row, standin

ROUNDS = 15

A_MODEL = """
from pydantic import BaseModel
class Model(BaseModel):
    name: str
"""
FIRST_CALL = """
import sys
from nationec import Client, EcQueryRequest
with Client("http://h/localQrCodeQuery", "35020319001", dll=sys.argv[1]) as client:
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
BY_HAND = """
import ctypes, json, sys
function = getattr(ctypes, "WinDLL", ctypes.CDLL)(sys.argv[1]).NationEcTrans
function.restype = ctypes.c_char_p
data = {
    "orgId": "35020319001",
    "businessType": "01101",
    "operatorId": "test001",
    "operatorName": "管理员",
    "officeId": "32760",
    "officeName": "消化内科",
}
message = {"orgId": "35020319001", "transType": "ec.query", "data": data}
sent = json.dumps(message, ensure_ascii=False).encode("gb18030")
out = ctypes.create_string_buffer(20480)
assert function(b"http://h/localQrCodeQuery", sent, out) == b"0000"
assert json.loads(out.value.decode("gb18030"))["data"]["userName"] == "张三"
"""


def cpu_time(program, path):
    # The process says it itself: Windows tells nobody how much its children took.
    program += "\nimport time; print(time.process_time())"
    command = [sys.executable, "-c", program, path]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main():
    path = standin()

    def against(what, limit, ours, theirs):
        rounds = [(cpu_time(ours, path), cpu_time(theirs, path)) for _ in range(ROUNDS)]
        value = statistics.median(ours / theirs for ours, theirs in rounds)
        row(what, value, limit, f"{min(ours for ours, _ in rounds) * 1000:.0f} ms")

    ours = "from nationec import Client"
    against("from nationec import Client, against one pydantic model", 1.3, ours, A_MODEL)
    against("to the first patient, against json and ctypes", None, FIRST_CALL, BY_HAND)
    command = [sys.executable, "-X", "importtime", "-c", ours]
    said = subprocess.run(command, stderr=subprocess.PIPE, check=True).stderr.decode()
    parts = [line[12:].split("|") for line in said.splitlines()[1:]]
    totals = sorted(
        ((int(total), name.strip()) for _, total, name in parts if "nationec" in name),
        reverse=True,
    )
    print("    the largest parts, in ms with what they import, by -X importtime:")
    for total, name in totals[:8]:
        print(f"    {total / 1000:8.1f}  {name}")


if __name__ == "__main__":
    main()
