"""The record of one call, for the log of a HIS."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Optional

from .language import cut, one_line
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

    def __str__(self) -> str:
        """Return the line of the log: the code, or the error with its facts."""
        outcome = f"code={self.envelope and self.envelope.code}"
        if self.error is not None:
            outcome = f"error={type(self.error).__name__}"
        for name in ("reason", "code", "return_value"):
            if hasattr(self.error, name):
                fact = getattr(self.error, name)
                outcome += f" {name}={'NULL' if fact is None else cut(str(fact))}"
        line = f"{self.trans_type} outBizNo={self.out_biz_no} {outcome}"
        return one_line(f"{line} in {self.elapsed * 1000:.1f} ms")

    def __repr__(self) -> str:
        return f"<Exchange {self}>"
