"""``Transport``: the interface of an object that makes the call."""

from typing import Optional, Protocol, Tuple


class Transport(Protocol):
    """Sends and receives bytes. Any object with these two methods is a transport.

    ``exchange`` must make the call at most once, and be safe to use from several
    threads.
    """

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """Return the return value, ``None`` for NULL, and OutData up to its terminator.

        Raises ``DllLoadError``, ``DllTimeoutError`` or ``DllCrashError``.
        """

    def close(self) -> None:
        """Release all resources. Nothing can be sent afterwards."""
