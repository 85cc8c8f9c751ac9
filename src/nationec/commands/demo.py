"""``nationec demo``: show what each transaction sends and receives (simulated)."""

from argparse import Namespace
from typing import Any, Dict

from .. import gb18030
from ..client import Client
from ..codes import BusinessType, MdtrtCertType, ReturnCode
from ..errors import NationEcError
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
from .parser import Parser

_URL = "http://10.0.0.8:8081/localcfc/api/hsecfc/localQrCodeQuery"


def add_arguments(parser: Parser) -> None:
    """Add nothing: it has no options."""


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
    with Client(_URL, "35020319001", transport=simulator) as client:
        insured = _show(client, EcQueryRequest(**operator))
        _show(client, QrcodeGetRequest(**operator))
        auth_no = _show(client, EcAuthRequest(**operator)).auth_no
        _show(client, AuthCheckRequest(**operator, auth_no=auth_no))
        password = EcPwdRequest(
            **operator,
            id_no=insured.id_no,
            id_type=insured.id_type,
            user_name=insured.user_name,
            ec_token=insured.ec_token,
            mdtrt_cert_type=MdtrtCertType.EC_QRCODE,
        )
        _show(client, password)
        simulator.answer(code=ReturnCode.EC_PASSWORD_WRONG)
        _show(client, password)


def _show(client: Client, request: Request[Any]) -> Any:
    """Make and print a call, and return its answer: the standard's example patient."""
    try:
        exchange = client.exchange(request)
    except NationEcError as error:
        if error.exchange is None:
            raise
        exchange = error.exchange
    title = (type(request).__doc__ or "").partition(":")[0]
    print(f"\n== {request.trans_type}  {title}")
    _line(_("asked"), _source(request))
    _line(_("sent"), gb18030.decode(exchange.sent))
    _line(_("returned"), (exchange.return_value or b"NULL").decode())
    _line(_("received"), gb18030.decode(exchange.received))
    if exchange.error:
        _line(_("error"), f"{type(exchange.error).__name__}: {exchange.error}")
    else:
        _line(_("result"), repr(exchange.data))
    return exchange.data


def _line(label: str, text: str) -> None:
    print(f"{label:9} {text}")


def _source(request: Request[Any]) -> str:
    """Return Python code that makes ``request``, for the reader to copy."""
    values = [
        f"{name}={str(value)!r}"
        for name, value in request
        if name in request.model_fields_set
    ]
    return f"{type(request).__name__}({', '.join(values)})"
