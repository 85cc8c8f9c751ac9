"""What a client needs of whatever makes the call."""

from typing import Optional, Protocol, Tuple


class Transport(Protocol):
    """Bytes in, bytes out. Any object with these two methods will do.

    ``exchange`` must make the call at most once, and be safe to use from several
    threads.
    """

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """The return value, ``None`` for NULL, and OutData up to its terminator.

        Raises ``DllLoadError``, ``DllTimeoutError`` or ``DllCrashError``.
        """

    def close(self) -> None:
        """Let go of what the transport holds. Nothing can be sent after it."""
