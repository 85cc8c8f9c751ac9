"""The start of an IsolatedDll, and its call against one in this process and against msl-loadlib's.

msl-loadlib (``pip install msl-loadlib==1.1.0``, nobody's dependency) echoes the same bytes. It runs
a 32-bit Python of its own, and on Linux that needs a 32-bit libc, which the Windows lab installs.
NATIONEC_TEST_WINE_PYTHON adds the 32-bit Windows DLL under Wine.
"""

import os
import statistics
import sys
from pathlib import Path
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


def msl_echo():
    try:
        from msl.loadlib import Client64
    except ImportError:
        return print("msl-loadlib is not installed: no comparison with it")
    sys.path.insert(0, str(Path(__file__).parent))
    return Client64("msl_echo")


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
    echo = msl_echo()
    for name, isolated in transports():
        with isolated:
            limit = None if "Wine" in name else 25
            row(f"{name}, its start in ms", start(isolated), limit)
            for size in SIZES:
                compare(f"{name}, {size:,} bytes", isolated, here, echo, b"x" * size)


def compare(name, isolated, here, echo, message):
    def call():
        assert isolated.exchange(URL, message) == (b"0000", message)

    value, time = ratio(call, lambda: here.exchange(URL, message), 300)
    row(f"{name}, against in-process", value, None, f"{time:.0f} us")
    if echo is not None:
        value, _ = ratio(call, lambda: echo.request32("echo", URL, message), 100)
        row(f"{name}, against msl-loadlib", value, 0.2)


if __name__ == "__main__":
    main()
