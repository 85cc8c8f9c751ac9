"""The public names, which ``nationec`` itself loads when one of them is asked for."""

from .biz_no import new_out_biz_no
from .client import Client, Exchange
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
from .reading import Envelope
from .transactions import (
    AuthCheckRequest,
    AuthCheckResponse,
    EcPwdRequest,
    EcPwdResponse,
    EcQueryRequest,
    EcQueryResponse,
    QrcodeGetRequest,
    QrcodeGetResponse,
    Request,
    Response,
)
from .transports import DllTransport, IsolatedDll, Simulator, Transport

__all__ = [
    "AuthCheckRequest",
    "AuthCheckResponse",
    "BusinessError",
    "BusinessType",
    "Client",
    "DllCrashError",
    "DllLoadError",
    "DllTimeoutError",
    "DllTransport",
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
