"""All of one call: what a HIS keeps in its log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Optional

from .language import one_line
from .models import Envelope, Request, T


@dataclass(repr=False)
class Exchange(Generic[T]):
    """All of one call. It holds the patient's data; its ``repr`` shows none of it.

    What the call did not get to is ``None``, or empty: ``return_value`` is also
    ``None`` where the DLL returned NULL, ``envelope`` and ``data`` where the answer
    could not be read.
    """

    request: Request[T]
    """As sent: ``org_id`` and ``out_biz_no`` are filled in."""
    sent: bytes
    """InData, as it goes to the transport."""
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
    """What the call raised."""

    @property
    def trans_type(self) -> str:
        """交易类型 (§4.2.4.1)."""
        return self.request.trans_type

    @property
    def out_biz_no(self) -> Optional[str]:
        """业务流水号 (§4.2.3); ``None`` where the transaction has none."""
        number = getattr(self.request, "out_biz_no", None)
        return None if number is None else str(number)

    def __repr__(self) -> str:
        code = self.envelope and self.envelope.code
        outcome = f"error={type(self.error).__name__}" if self.error else f"code={code}"
        about = f"{self.trans_type} out_biz_no={self.out_biz_no} {outcome}"
        return f"<Exchange {one_line(about)} {self.elapsed * 1000:.1f} ms>"
