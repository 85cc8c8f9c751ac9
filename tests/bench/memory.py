"""Resident memory after many calls, against after the first thousand."""

import gc
import sys

from nationec import Client

from .calls import PHOTO, TEXT, request
from .common import URL, row, standin

FIRST, SMALL, PHOTOS = 1_000, 300_000, 5_000


def resident():
    """In MiB."""
    gc.collect()
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        # PROCESS_MEMORY_COUNTERS, whose two first DWORDs are one size_t or two.
        counters = (ctypes.c_size_t * 10)(80)
        counters[0] = ctypes.sizeof(counters)
        get = ctypes.WinDLL("psapi").GetProcessMemoryInfo
        get.argtypes = [wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD]
        assert get(wintypes.HANDLE(-1), counters, ctypes.sizeof(counters))
        return counters[2 if sys.maxsize > 2**32 else 3] / 2**20  # WorkingSetSize
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def main():
    client = Client(URL, "35020319001", dll=standin())

    def photos(number):
        for at in range(number):
            # Of every size, and as text and as bytes.
            client.call(request(photo_data=TEXT[: 4 * (at % 25_000)] or None))
            client.call(request(photo_data=PHOTO[: 75_000 - at % 5_000]))

    def small(number):
        for _ in range(number):
            client.call(request())

    small(FIRST)
    photos(FIRST // 10)
    before = resident()
    small(SMALL)
    row(f"MiB more after {SMALL:,} small calls ({before:.1f} before)", resident() - before, 1.0)
    photos(PHOTOS // 2)
    row(f"MiB more after {PHOTOS:,} calls with a photo too", resident() - before, 1.0)


if __name__ == "__main__":
    main()
