"""All the measurements, or those that are named: ``python -m tests.bench calls start``."""

import base64
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import pydantic

from nationec import Client, EcQueryRequest, IsolatedDll

ROUNDS = 15
URL = "http://127.0.0.1:8081/localcfc/api/hsecfc/localQrCodeQuery"
COMMON = {
    "business_type": "01101",
    "operator_id": "test001",
    "operator_name": "管理员",
    "office_id": "32760",
    "office_name": "消化内科",
}
ON_WIRE = EcQueryRequest(**COMMON).model_dump(by_alias=True, exclude_none=True)
IMAGE = (bytes(range(256)) * 293)[:75_000]
TEXT = base64.b64encode(IMAGE).decode()

# What any program pays that uses pydantic.
A_MODEL = """
from pydantic import BaseModel
class Model(BaseModel):
    name: str
Model(name="x")
"""
IMPORT = "from nationec import Client"
FIRST_PATIENT = f"""
import sys
from nationec import Client, EcQueryRequest
with Client({URL!r}, "1234567", dll=sys.argv[1], timeout=60) as client:
    insured = client.call(EcQueryRequest(**{COMMON}))
assert insured.user_name == "张三"
"""
ECHO = "import os\nwhile True: os.write(1, os.read(0, 65536) or exit())"


def standin():
    """The C stand-in, which answers the example of §5.3.5.2."""
    library = Path(tempfile.mkdtemp(), "standin.so")
    source = Path(__file__).parents[1] / "native" / "standin.c"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def baseline(dll):
    """A call as a good engineer writes it in a hurry: nothing checked, locked or wiped."""
    function = ctypes.CDLL(str(dll)).NationEcTrans
    function.argtypes = [ctypes.c_char_p] * 3
    function.restype = ctypes.c_char_p
    url = URL.encode()

    def call(**more):
        data = {"orgId": "1234567", **ON_WIRE, **more}
        message = {"orgId": "1234567", "transType": "ec.query", "data": data}
        sent = json.dumps(message, ensure_ascii=False).encode("gb18030")
        out = ctypes.create_string_buffer(20480)
        assert function(url, sent, out) == b"0000"
        answer = json.loads(out.value.decode("gb18030"))
        assert answer["code"] == 0
        return answer["data"]

    return call


def compare(what, ours, theirs, number=1):
    """The median over the rounds of ours against theirs, each ``number`` times a round."""
    rounds = []
    for _ in range(ROUNDS + 1):
        taken = []
        for function in (ours, theirs):
            start = perf_counter()
            for _ in range(number):
                function()
            taken.append((perf_counter() - start) / number)
        rounds.append(taken)
    del rounds[0]  # in which both get ready
    milliseconds = median(own for own, _ in rounds) * 1000
    show(what, median(own / other for own, other in rounds), f"{milliseconds:.3f} ms")


def show(what, ratio, more):
    print(f"{what:<48} {ratio:>6.2f}  {more}", flush=True)


def calls(dll):
    client, by_hand = Client(URL, "1234567", dll=dll), baseline(dll)
    compare("a small call", lambda: client.call(EcQueryRequest(**COMMON)), by_hand, 2000)
    compare(
        "a photo of 100,000 characters of base64",
        lambda: client.call(EcQueryRequest(**COMMON, photo_data=TEXT)),
        lambda: by_hand(photoData=TEXT),
        100,
    )
    compare(
        "a photo of 75,000 bytes",
        lambda: client.call(EcQueryRequest(**COMMON, photo_data=IMAGE)),
        lambda: by_hand(photoData=base64.b64encode(IMAGE).decode()),
        100,
    )


def start(dll):
    """Whole processes; the last one starts that of the ``IsolatedDll`` too."""
    # Without bytecode nationec would be compiled in each process, and pydantic not.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def python(*arguments):
        command, stdin = [sys.executable, *arguments], json.dumps(ON_WIRE).encode()
        return lambda: subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True)

    a_model = python("-c", A_MODEL)
    call = python("-m", "nationec", "call", "ec.query", "--simulate", "--json", "-")
    compare(IMPORT, python("-c", IMPORT), a_model)
    compare("nationec call --simulate --json -", call, a_model)
    compare("the first patient through IsolatedDll", python("-c", FIRST_PATIENT, dll), a_model)


def isolated(dll):
    """Against a process that reads the same from one pipe, and writes it to another."""
    message = b"x" * 700
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    with subprocess.Popen([sys.executable, "-c", ECHO], **pipes) as plain, IsolatedDll(dll) as ours:

        def echo():
            plain.stdin.write(message)
            plain.stdout.read(len(message))

        compare("an isolated call", lambda: ours.exchange(b"http://h/echo", message), echo, 1000)


def memory(dll):
    """Of this process: after many calls, against after the first thousand."""
    client = Client(URL, "1234567", dll=dll)

    def resident_after(small, photos):
        for _ in range(small):
            client.call(EcQueryRequest(**COMMON))
        for at in range(photos):
            photo = IMAGE[15 * at :] if at % 2 else TEXT[20 * at :]
            client.call(EcQueryRequest(**COMMON, photo_data=photo))
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1])

    before, after = resident_after(1_000, 200), resident_after(300_000, 5_000)
    show("memory after 300,000 calls", after / before, f"{after - before:+} pages")


MEASUREMENTS = {"calls": calls, "start": start, "isolated": isolated, "memory": memory}

print(f"Python {platform.python_version()}, pydantic {pydantic.VERSION}, {platform.platform()}")
print(f"{'against the baseline':<48}  ratio")
library = standin()
for name in sys.argv[1:] or MEASUREMENTS:
    MEASUREMENTS[name](library)
