"""The start of an IsolatedDll, and its call against one in this process.

NATIONEC_TEST_WINE_PYTHON adds the 32-bit Windows DLL under Wine.
"""

import os
import statistics
from time import perf_counter

from nationec import DllTransport, IsolatedDll

from .common import ratio, row, standin

SIZES = (700, 100_000)
ROOM = {"out_buffer_size": 262144}
URL = b"http://h/echo"


def transports():
    yield "IsolatedDll, this Python", IsolatedDll(standin(), **ROOM)
    if "NATIONEC_TEST_WINE_PYTHON" in os.environ:
        dll = f"Z:{os.environ['NATIONEC_TEST_DLLS']}/standin32.dll"
        python = ["wine", os.environ["NATIONEC_TEST_WINE_PYTHON"]]
        yield "IsolatedDll, 32-bit Windows under Wine", IsolatedDll(dll, python=python, **ROOM)


def start(isolated):
    """The median of its start, in milliseconds."""
    times = []
    for _ in range(21):
        isolated.stop()
        started = perf_counter()
        isolated.start()
        times.append((perf_counter() - started) * 1000)
    return statistics.median(times)


def main():
    here = DllTransport(standin(), **ROOM)
    for name, isolated in transports():
        with isolated:
            limit = None if "Wine" in name else 25
            row(f"{name}, its start in ms", start(isolated), limit)
            for size in SIZES:
                compare(f"{name}, {size:,} bytes", isolated, here, b"x" * size)


def compare(name, isolated, here, message):
    def call():
        assert isolated.exchange(URL, message) == (b"0000", message)

    value, time = ratio(call, lambda: here.exchange(URL, message), 300)
    row(f"{name}, against in-process", value, None, f"{time:.0f} us")


if __name__ == "__main__":
    main()
