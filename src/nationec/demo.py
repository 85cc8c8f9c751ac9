"""``nationec demo``: the four transactions on the simulator, with all that is sent and received."""

from typing import Any, Dict

from . import gb18030
from .client import Client, Exchange
from .codes import BusinessType, MdtrtCertType, ReturnCode
from .errors import NationEcError
from .transactions import AuthCheckRequest, EcPwdRequest, EcQueryRequest, QrcodeGetRequest, Request, T
from .transports.simulator import Simulator


def run() -> int:
    simulator = Simulator()
    window: Dict[str, Any] = {
        "business_type": BusinessType.HOSPITAL_REGISTRATION,
        "operator_id": "test001",
        "operator_name": "管理员",
        "office_id": "32760",
        "office_name": "消化内科",
    }
    url = "http://10.0.0.8:8081/localcfc/api/hsecfc/localQrCodeQuery"
    with Client(url, "35020319001", transport=simulator) as client:
        insured = _show(client, "电子凭证二维码解码 (§5.3)", EcQueryRequest(**window)).data
        _show(client, "终端医保电子凭证码解码 (§5.4)", QrcodeGetRequest(**window))
        _show(client, "刷脸授权获取医保身份 (§5.5)", AuthCheckRequest(**window, auth_no="A0001", photo_data=None))
        if insured is None:  # it would have said so above
            return 1
        password = EcPwdRequest(
            **window,
            id_no=insured.id_no,
            id_type=insured.id_type,
            user_name=insured.user_name,
            ec_token=insured.ec_token,
            mdtrt_cert_type=MdtrtCertType.EC_QRCODE,
        )
        _show(client, "医保电子凭证密码核验 (§5.6)", password)
        simulator.answer(code=ReturnCode.EC_PASSWORD_WRONG)
        _show(client, "医保电子凭证密码核验 (§5.6), refused", password)
    return 0


def _show(client: Client, title: str, request: Request[T]) -> Exchange[T]:
    """Every value is shown: the patient is the standard's example."""
    try:
        exchange = client.exchange(request)
    except NationEcError as error:
        if error.exchange is None:
            raise
        exchange = error.exchange
    print(f"\n== {request.trans_type}  {title}")
    print(f"asked     {_fields(request)}")
    print(f"sent      {gb18030.decode(exchange.sent)}")
    print(f"returned  {(exchange.return_value or b'NULL').decode()}")
    print(f"received  {gb18030.decode(exchange.received)}")
    if exchange.error:
        print(f"error     {type(exchange.error).__name__}: {exchange.error}")
    else:
        print(f"result    {_fields(exchange.data)}")
    return exchange


def _fields(model: Any) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in model if value is not None)
    return f"{type(model).__name__}({values})"
