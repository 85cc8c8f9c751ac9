"""What the scripts share: the stand-in, the baseline, and the interleaved rounds."""

import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
from ctypes import c_char_p, create_string_buffer
from pathlib import Path
from time import perf_counter

ROUNDS = 9
URL = "http://127.0.0.1:8081/localcfc/api/hsecfc/localQrCodeQuery"
WINDOW = {
    "businessType": "01101",
    "operatorId": "test001",
    "operatorName": "管理员",
    "officeId": "32760",
    "officeName": "消化内科",
}


def standin():
    """The C stand-in, which answers the example of §5.3.5.2: handed in, or compiled."""
    if sys.platform == "win32":
        width = 64 if sys.maxsize > 2**32 else 32
        return str(Path(os.environ["NATIONEC_TEST_DLLS"]) / f"standin{width}.dll")
    library = Path(tempfile.mkdtemp()) / "standin.so"
    source = Path(__file__).parents[1] / "native" / "standin.c"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return str(library)


def baseline(path):
    """A call as a good engineer writes it in a hurry: nothing checked, locked or wiped."""
    function = getattr(ctypes, "WinDLL", ctypes.CDLL)(path).NationEcTrans
    function.argtypes = [c_char_p, c_char_p, c_char_p]
    function.restype = c_char_p
    url = URL.encode()

    def call(data):
        data = {"orgId": "35020319001", **data}
        message = {"orgId": "35020319001", "transType": "ec.query", "data": data}
        sent = json.dumps(message, ensure_ascii=False).encode("gb18030")
        out = create_string_buffer(20480)
        if function(url, sent, out) != b"0000":
            raise RuntimeError
        answer = json.loads(out.value.decode("gb18030"))
        if answer["code"] != 0:
            raise RuntimeError(answer["message"])
        return answer["data"]

    return call


def ratio(ours, theirs, number):
    """The median over the rounds of ours against theirs, each ``number`` times a round."""
    ratios, times = [], []
    for function in (ours, theirs):
        function()
    for _ in range(ROUNDS):
        taken = []
        for function in (ours, theirs):
            start = perf_counter()
            for _ in range(number):
                function()
            taken.append(perf_counter() - start)
        ratios.append(taken[0] / taken[1])
        times.append(taken[0] / number * 1e6)
    return statistics.median(ratios), statistics.median(times)


def row(what, value, limit, more=""):
    verdict = (
        ""
        if limit is None
        else f"at most {limit:.2f} {'reached' if value <= limit else 'NOT REACHED'}"
    )
    print(f"{what:<62} {value:>6.2f}  {verdict:<24} {more}", flush=True)
