"""``nationec demo``: show what each transaction sends and receives (simulated)."""

from argparse import Namespace
from contextlib import suppress
from typing import Any, Dict

from .. import gb18030
from ..client import Client
from ..codes import BusinessType, MdtrtCertType, ReturnCode
from ..errors import BusinessError
from ..exchange import Exchange
from ..language import _
from ..models import Request
from ..transactions import (
    AuthCheckRequest,
    EcAuthRequest,
    EcPwdRequest,
    EcQueryRequest,
    QrcodeGetRequest,
)
from ..transports.simulator import Simulator


def run(arguments: Namespace) -> None:
    """Print a transaction of each kind, and one that is refused."""
    operator: Dict[str, Any] = {
        "business_type": BusinessType.HOSPITAL_REGISTRATION,
        "operator_id": "test001",
        "operator_name": "管理员",
        "office_id": "32760",
        "office_name": "消化内科",
    }
    simulator = Simulator()
    client = Client(
        "http://simulator", "35020319001", transport=simulator, on_exchange=_show
    )
    insured = client.call(EcQueryRequest(**operator))
    client.call(QrcodeGetRequest(**operator))
    auth_no = client.call(EcAuthRequest(**operator)).auth_no
    client.call(AuthCheckRequest(**operator, auth_no=auth_no))
    decoded = {"id_no", "id_type", "user_name", "ec_token"}
    operator.update(insured.model_dump(include=decoded))
    password = EcPwdRequest(**operator, mdtrt_cert_type=MdtrtCertType.EC_QRCODE)
    client.call(password)
    simulator.answer(code=ReturnCode.EC_PASSWORD_WRONG)
    with suppress(BusinessError):
        client.call(password)


def _show(exchange: Exchange[Any]) -> None:
    request, error = exchange.request, exchange.error
    title = (type(request).__doc__ or "").partition(":")[0]
    print(f"\n== {request.trans_type}  {title}")
    _line(_("asked"), _source(request))
    _line(_("sent"), gb18030.decode(exchange.sent))
    _line(_("returned"), (exchange.return_value or b"NULL").decode())
    _line(_("received"), gb18030.decode(exchange.received))
    if error:
        _line(_("error"), f"{type(error).__name__}: {error}")
    else:
        _line(_("result"), repr(exchange.data))


def _line(label: str, text: str) -> None:
    print(f"{label:9} {text}")


def _source(request: Request[Any]) -> str:
    """Return Python code that makes ``request``, for the reader to copy."""
    # The client has filled in these two.
    given = request.model_dump(exclude_unset=True, exclude={"org_id", "out_biz_no"})
    values = [f"{name}={str(value)!r}" for name, value in given.items()]
    return f"{type(request).__name__}({', '.join(values)})"
