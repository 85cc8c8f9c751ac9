"""The memory of one call: strUrl, InData, OutData, a guard and slack behind it."""

# It is one block, since to make it and to wipe it is most of what a call costs. The
# guard shows that the DLL wrote past OutData; with the slack that harms nobody. It is
# zeroed after the call.
#
# Standard library only, see ``binding``.

from __future__ import annotations

import ctypes
from ctypes import byref, c_char

# §5.2 gives it to the inputs: a DLL that writes into them expects as much.
ROOM = 2048
GUARD = b"\xff" * 16  # a byte that no GB 18030 text holds
SLACK = 65536


class Memory:
    """What the DLL reads and writes during one call."""

    def __init__(self, url: bytes, in_data: bytes, size: int) -> None:
        in_at = max(len(url) + 1, ROOM)
        self._out = out_at = in_at + max(len(in_data) + 1, ROOM)
        self._guard = guard_at = out_at + size
        self._block = block = bytearray(guard_at + len(GUARD) + SLACK)
        block[: len(url)] = url
        block[in_at : in_at + len(in_data)] = in_data
        block[guard_at : guard_at + len(GUARD)] = GUARD
        start = c_char.from_buffer(block)
        self.pointers = byref(start), byref(start, in_at), byref(start, out_at)

    def is_overrun(self) -> bool:
        """Whether the DLL wrote past OutData."""
        return not self._block.startswith(GUARD, self._guard)

    def out_data(self) -> bytes:
        """Return OutData up to its terminator, if there is one."""
        return self._text(self._guard)

    def everything(self) -> bytes:
        """Return the text that begins in OutData, wherever it ends."""
        return self._text(len(self._block))

    def _text(self, limit: int) -> bytes:
        end = self._block.find(b"\0", self._out, limit)
        return bytes(memoryview(self._block)[self._out : limit if end < 0 else end])

    def wipe(self) -> None:
        """Zero what was written."""
        size = len(self._block) if self.is_overrun() else self._guard
        ctypes.memset(self.pointers[0], 0, size)
