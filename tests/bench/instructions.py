"""The instructions of one small call, and of its parts, counted by ``valgrind --tool=callgrind``.

They are the same whatever else the machine does: for comparing two commits on one machine. Wiping counts for more than
it takes: callgrind counts an instruction for each byte that ``rep stosb`` sets, which is 69,632 of them.
"""

import os
import re
import shutil
import subprocess
import sys

from nationec import Client
from nationec.reading import data_of, envelope_of

from .calls import request
from .common import URL, standin

CALLS = 2_000


def parts():
    client = Client(URL, "35020319001", dll=os.environ["NATIONEC_BENCH_DLL"])
    made = request()
    filled = client._filled_in(made)
    exchange = client.exchange(made)
    answer = client._encoding.answer(exchange.received)
    return {
        "nothing": lambda: None,
        "a small call": lambda: client.call(request()),
        "making the request": request,
        "filling it in": lambda: client._filled_in(made),
        "InData": lambda: client._message(filled),
        "the DLL, with the copies and the wiping": lambda: client.transport.exchange(client._url, exchange.sent),
        "OutData to JSON": lambda: client._encoding.answer(exchange.received),
        "the head of the answer": lambda: envelope_of(answer),
        "its data": lambda: data_of(answer["data"], made.response_type),
    }


def count(part):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    program = [sys.executable, "-m", "tests.bench.instructions", part]
    done = subprocess.run([*command, *program], stderr=subprocess.PIPE, check=True)
    return int(re.search(rb"Collected : (\d+)", done.stderr).group(1))


def main():
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: instructions are not counted")
        return
    os.environ.update(PYTHONHASHSEED="0", NATIONEC_BENCH_DLL=standin())
    nothing = count("nothing")
    counted = {part: (count(part) - nothing) / CALLS for part in parts() if part != "nothing"}
    whole = counted.pop("a small call")
    print(f"{'instructions of a small call':<62} {whole:>10,.0f}")
    for part, instructions in sorted(counted.items(), key=lambda item: -item[1])[:5]:
        print(f"    {part:<58} {instructions:>10,.0f}  {instructions / whole:4.0%}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        part = parts()[sys.argv[1]]
        for _ in range(CALLS):
            part()
    else:
        main()
