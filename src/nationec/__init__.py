"""Decode a 医保电子凭证 (medical-insurance e-voucher) through ``NationECCode.dll``.

    with Client(url, org_id, dll=r"C:\\NationEC\\NationECCode.dll") as client:
        insured = client.call(EcQueryRequest(business_type="01101", ...))
        print(insured.user_name)

``Client`` makes the call, the ``...Request`` classes are the transactions of §5.3 to
§5.6, and ``NationEcError`` is a failed call. ``nationec guide`` is the handbook,
in Chinese.
"""

from .biz_no import new_out_biz_no
from .client import Client
from .codes import BusinessType, IdType, MdtrtCertType, OrderStatus, PwdFlag, ReturnCode
from .errors import (
    BusinessError,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    NationEcError,
    ProtocolError,
    ResponseFormatError,
)
from .exchange import Exchange
from .models import AnyRequest, Envelope, Request, Response
from .transactions import (
    AuthCheckRequest,
    AuthCheckResponse,
    EcAuthRequest,
    EcAuthResponse,
    EcPwdRequest,
    EcPwdResponse,
    EcQueryRequest,
    EcQueryResponse,
    QrcodeGetRequest,
    QrcodeGetResponse,
)
from .transports.base import Transport
from .transports.dll import DllTransport
from .transports.isolated import IsolatedDll
from .transports.simulator import Simulator

__version__ = "0.1.0"

__all__ = [
    "AnyRequest",
    "AuthCheckRequest",
    "AuthCheckResponse",
    "BusinessError",
    "BusinessType",
    "Client",
    "DllCrashError",
    "DllLoadError",
    "DllTimeoutError",
    "DllTransport",
    "EcAuthRequest",
    "EcAuthResponse",
    "EcPwdRequest",
    "EcPwdResponse",
    "EcQueryRequest",
    "EcQueryResponse",
    "Envelope",
    "Exchange",
    "IdType",
    "IsolatedDll",
    "MdtrtCertType",
    "NationEcError",
    "OrderStatus",
    "ProtocolError",
    "PwdFlag",
    "QrcodeGetRequest",
    "QrcodeGetResponse",
    "Request",
    "Response",
    "ResponseFormatError",
    "ReturnCode",
    "Simulator",
    "Transport",
    "new_out_biz_no",
]
