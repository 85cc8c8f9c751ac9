"""An isolated call against one in this process, and against an echo of the same bytes through msl-loadlib 1.1.0.

msl-loadlib (``pip install msl-loadlib==1.1.0``, nobody's dependency) runs its own 32-bit Python. On Linux that needs
a 32-bit libc, which the Windows lab installs. NATIONEC_TEST_WINE_PYTHON adds the 32-bit Windows DLL under Wine.
"""

import os
import sys
from pathlib import Path

from nationec import DllTransport, IsolatedDll

from .common import ratio, row, standin

MESSAGE = b"x" * 700
SIZES = (700, 100_000)


def main():
    path = standin()
    here = DllTransport(path, out_buffer_size=262144)
    others = [("IsolatedDll, this Python", IsolatedDll(path, out_buffer_size=262144))]
    if "NATIONEC_TEST_WINE_PYTHON" in os.environ:
        dll = f"Z:{os.environ['NATIONEC_TEST_DLLS']}/standin32.dll"
        python = ["wine", os.environ["NATIONEC_TEST_WINE_PYTHON"]]
        others.append(
            ("IsolatedDll, 32-bit Windows under Wine", IsolatedDll(dll, python=python, out_buffer_size=262144))
        )
    try:
        from msl.loadlib import Client64
    except ImportError:
        print("msl-loadlib is not installed: no comparison with it")
        echo = None
    else:
        sys.path.insert(0, str(Path(__file__).parent))
        echo = Client64("msl_echo")
    for size in SIZES:
        message = b"x" * size
        for name, isolated in others:
            call = lambda isolated=isolated, message=message: isolated.exchange(b"http://h/echo", message)  # noqa: E731
            assert call() == (b"0000", message)
            value, time = ratio(call, lambda message=message: here.exchange(b"http://h/echo", message), 300)
            row(f"{name}, {size:,} bytes, against in-process", value, None, f"{time:.0f} us")
            if echo is not None:
                value, _ = ratio(call, lambda message=message: echo.request32("echo", b"http://h/echo", message), 100)
                row(f"{name}, {size:,} bytes, against msl-loadlib", value, 0.15)
    for _, isolated in others:
        isolated.close()


if __name__ == "__main__":
    main()
