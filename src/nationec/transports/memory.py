"""The memory of one call: strUrl, InData, OutData, a guard and slack behind it."""

# All are parts of one block, since allocating and zeroing take most of a call's time.
# A changed guard shows that the DLL wrote past OutData. The slack behind it protects
# other memory from such a write. The block is zeroed after the call.
#
# Standard library only, see ``binding``.

from __future__ import annotations

import ctypes
from ctypes import byref, c_char

# The size of the inputs in §5.2. A DLL that writes into them expects this much.
ROOM = 2048
GUARD = b"\xff" * 16  # a byte that no GB 18030 text holds
SLACK = 65536


class Memory:
    """The memory that the DLL reads and writes during one call."""

    def __init__(self, url: bytes, in_data: bytes, size: int) -> None:
        in_at = max(len(url) + 1, ROOM)
        self._out_at = out_at = in_at + max(len(in_data) + 1, ROOM)
        self._guard_at = guard_at = out_at + size
        self._block = block = bytearray(guard_at + len(GUARD) + SLACK)
        block[: len(url)] = url
        block[in_at : in_at + len(in_data)] = in_data
        block[guard_at : guard_at + len(GUARD)] = GUARD
        start = c_char.from_buffer(block)
        self.pointers = byref(start), byref(start, in_at), byref(start, out_at)

    def is_overrun(self) -> bool:
        """Whether the DLL wrote past OutData."""
        return not self._block.startswith(GUARD, self._guard_at)

    def out_data(self) -> bytes:
        """Return OutData up to its terminator, or all of it."""
        return self._until_nul(self._guard_at)

    def out_data_and_beyond(self) -> bytes:
        """Return OutData with what was written past its end, up to the terminator."""
        return self._until_nul(len(self._block))

    def _until_nul(self, limit: int) -> bytes:
        start, end = self._out_at, self._block.find(b"\0", self._out_at, limit)
        return bytes(memoryview(self._block)[start : limit if end < 0 else end])

    def wipe(self) -> None:
        """Zero the memory, with the slack only if the DLL wrote past OutData."""
        size = len(self._block) if self.is_overrun() else self._guard_at
        ctypes.memset(self.pointers[0], 0, size)
