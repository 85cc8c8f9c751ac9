"""The record of one call, for the log of a HIS."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Optional

from .language import one_line
from .models import Envelope, Request, T


@dataclass(repr=False)
class Exchange(Generic[T]):
    """The record of one call. It holds the patient's data; its ``repr`` shows none.

    An attribute is ``None`` or empty if the call failed before it was known.
    ``return_value`` is also ``None`` if the DLL returned NULL, and ``envelope`` and
    ``data`` are ``None`` if the answer could not be read.
    """

    request: Request[T]
    """The request as sent, with ``org_id`` and ``out_biz_no`` filled in."""
    sent: bytes
    """InData, as the transport received it."""
    started_at: datetime
    """In UTC."""
    elapsed: float = 0.0
    """Seconds spent in the transport."""
    return_value: Optional[bytes] = None
    received: bytes = b""
    """OutData up to its terminator."""
    envelope: Optional[Envelope] = None
    """The head of the answer (§4.2.4.2)."""
    data: Optional[T] = None
    error: Optional[BaseException] = None
    """The exception that the call raised."""

    @property
    def trans_type(self) -> str:
        """交易类型 (§4.2.4.1)."""
        return self.request.trans_type

    @property
    def out_biz_no(self) -> Optional[str]:
        """业务流水号 (§4.2.3); ``None`` if the transaction has none."""
        number = getattr(self.request, "out_biz_no", None)
        return None if number is None else str(number)

    def __repr__(self) -> str:
        code = self.envelope and self.envelope.code
        outcome = f"error={type(self.error).__name__}" if self.error else f"code={code}"
        about = f"{self.trans_type} out_biz_no={self.out_biz_no} {outcome}"
        return f"<Exchange {one_line(about)} {self.elapsed * 1000:.1f} ms>"
