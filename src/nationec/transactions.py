"""The transactions of §5.3 to §5.6 and cn.nhsa.ec.auth.

Each row of a table is a field. Fields that the standard marks N default to ``None``; a
field that is ``None`` is not sent. Programs show the Chinese names, so docstrings have
a fixed form: that of a field begins with its name in the standard, that of a class with
its name, its section in brackets and a colon.
"""

from typing import TYPE_CHECKING, Any, Dict, Generic, Optional, Type, Union

from pydantic import AfterValidator, model_validator
from typing_extensions import Annotated

from .codes import BusinessType, IdType, MdtrtCertType, PwdFlag
from .json_text import as_text
from .language import _, field
from .models import Request, Response, T
from .rows import (
    LISTED,
    JsonOrText,
    ParsedJson,
    Photo,
    documented,
    filled,
    may_be_empty,
)

_Code3 = Annotated[str, filled(3)]
_Code5 = Annotated[str, filled(5)]
_Code6 = Annotated[str, filled(6)]


class Operated(Request[T], Generic[T]):
    """A request of an operator at a window: the rows that all have in common."""

    @classmethod
    def _validate(cls, data: Any, handler: Any) -> Any:
        # A database pads a CHAR column with blanks.
        if isinstance(data, dict):
            data = {
                name: value.rstrip(" ") if isinstance(value, str) else value
                for name, value in data.items()
            }
        return super()._validate(data, handler)

    business_type: Annotated[Union[BusinessType, _Code5], LISTED]
    """用码业务类型：详见 6.1 代码标识说明"""
    operator_id: Annotated[str, filled(20)]
    """收款员编号"""
    operator_name: Annotated[str, filled(30)]
    """收款员姓名"""
    office_id: Annotated[str, filled(20)]
    """医保科室编号"""
    office_name: Annotated[str, filled(30)]
    """科室名称"""

    # Editors show this docstring where one of the requests is made.
    if TYPE_CHECKING:

        def __init__(self, **data: Any) -> None:
            """Make a transaction of the standard.

            - ``EcQueryRequest``: 电子凭证二维码解码 (§5.3)
            - ``QrcodeGetRequest``: 终端医保电子凭证码解码 (§5.4)
            - ``AuthCheckRequest``: 刷脸授权获取医保身份 (§5.5)
            - ``EcPwdRequest``: 医保电子凭证密码核验 (§5.6)
            - ``EcAuthRequest``: 刷脸获取医保用户身份授权 (the terminal's)
            """


class Numbered(Operated[T], Generic[T]):
    """A transaction with a number of its own (医疗机构业务流水号, §4.2.3)."""

    out_biz_no: Annotated[Optional[str], filled(64)] = None
    """定点医药机构本次业务流水号：不可重复，每次请求都需要唯一

    If it is ``None``, the client makes one with ``new_out_biz_no``."""


class DecodedResponse(Response):
    """The insured person: the rows that §5.3.4, §5.4.4 and §5.5.4 have in common."""

    id_no: Annotated[str, documented(64)]
    """参保人身份证"""
    id_type: Annotated[Union[IdType, str], LISTED, documented(64)]
    """证件类型：详见 6.2 证件类型代码表

    A code that the table does not list is a plain ``str``, without a ``label``."""
    user_name: Annotated[str, documented(64)]
    """参保人姓名"""
    ec_token: Annotated[str, documented(40)]
    """令牌：用于业务处理验证"""
    insu_org: Annotated[str, documented(6)]
    """参保地区编码：详见 6.4 统筹区编码"""
    ec_index_no: Annotated[Optional[str], documented(32)] = None
    """电子凭证索引号"""
    gender: Annotated[Optional[str], documented(2)] = None
    """性别"""
    birthday: Annotated[Optional[str], documented(10)] = None
    """出生日期

    Kept as received: platforms send both ``1998-01-01`` and ``1998.01.01``."""
    nationality: Annotated[Optional[str], documented(32)] = None
    """国籍"""
    email: Annotated[Optional[str], documented(32)] = None
    """电子邮箱"""
    extra: ParsedJson = None
    """扩展参数：预留字段

    Parsed if it is JSON text."""


class EcQueryResponse(DecodedResponse):
    """电子凭证二维码解码的响应 (§5.3.4): the insured person whose QR code it is."""


class EcQueryRequest(Operated[EcQueryResponse]):
    """电子凭证二维码解码 (§5.3): decode a QR code that a scanner has read."""

    trans_type = "ec.query"
    repeatable = True
    operator_action = "扫码"

    device_type: Annotated[Optional[str], may_be_empty(30)] = None
    """设备类型：自助机该字段设为 SelfService，其它情况不用设置"""
    photo_data: Optional[Photo] = None
    """人脸照片：base64 字符串，大小控制在 100k 以下

    The image as ``bytes``, or its base64 as ``str`` of at most 102,400 characters."""


class QrcodeGetResponse(DecodedResponse):
    """终端医保电子凭证码解码的响应 (§5.4.4): the insured person with this code."""


class QrcodeGetRequest(Numbered[QrcodeGetResponse]):
    """终端医保电子凭证码解码 (§5.4): have the terminal scan the code."""

    trans_type = "cn.nhsa.qrcode.get"
    repeatable = True
    operator_action = "扫码"

    photo_data: Optional[Photo] = None
    """人脸照片：base64 字符串，大小控制在 100k 以下

    The image as ``bytes``, or its base64 as ``str`` of at most 102,400 characters."""
    ext_data: Optional[JsonOrText] = None
    """扩展参数：预留 json 字符"""


class AuthCheckResponse(DecodedResponse):
    """刷脸授权获取医保身份的响应 (§5.5.4): the insured person whose face it is."""

    auth_no: Annotated[str, documented(64)]
    """实人认证业务流水号：医保综合服务终端返回的授权码"""


class AuthCheckRequest(Numbered[AuthCheckResponse]):
    """刷脸授权获取医保身份 (§5.5): identify the face that the terminal recognised."""

    trans_type = "cn.nhsa.auth.check"
    repeatable = True
    operator_action = "刷脸"

    auth_no: Annotated[str, filled(64)]
    """实人认证业务流水号：医保综合服务终端返回的授权码

    ``EcAuthRequest`` asks the terminal for it."""
    photo_data: Optional[Photo] = None
    """人脸照片：base64 字符串，大小控制在 100k 以下

    The image as ``bytes``, or its base64 as ``str`` of at most 102,400 characters.
    §5.5.3 marks it Y, but lets the caller decide whether to send one."""
    ext_data: Optional[JsonOrText] = None
    """扩展参数：预留 json 字段"""


class EcPwdResponse(Response):
    """医保电子凭证密码核验的响应 (§5.6.4)."""

    pwd_flag: Annotated[Union[PwdFlag, str], LISTED, documented(2)]
    """密码核验结果：1-有效；0-无效"""
    ec_token: Annotated[str, documented(50)]
    """身份核验令牌"""
    extra: ParsedJson = None
    """扩展参数：预留字段

    Parsed if it is JSON text."""

    @property
    def is_valid(self) -> bool:
        """Whether the password was right: ``pwd_flag`` is 1."""
        return self.pwd_flag == PwdFlag.VALID


class EcPwdRequest(Operated[EcPwdResponse]):
    """医保电子凭证密码核验 (§5.6): ask for the voucher's password, and check it.

    The limits are those of §5.6.3: idNo 30, idType 3, businessType 6. Other tables have
    64, 64 and 5.
    """

    trans_type = "cn.nhsa.ec.pwd"
    repeatable = True
    operator_action = "输入密码"

    id_no: Annotated[str, filled(30)]
    """人员证件号码"""
    id_type: Annotated[Union[IdType, _Code3], LISTED]
    """人员证件类型"""
    user_name: Annotated[str, filled(50)]
    """人员姓名"""
    business_type: Annotated[Union[BusinessType, _Code6], LISTED]
    """办理业务类型：详见 6.1 代码标识说明"""
    ec_token: Annotated[Optional[str], may_be_empty(50)] = None
    """身份核验令牌：若是采用二维码解析用户身份，则须传递

    Required when ``mdtrt_cert_type`` is 01A (§5.6.3)."""
    mdtrt_cert_type: Annotated[Union[MdtrtCertType, _Code3], LISTED]
    """就诊凭证类型：详见 6.5 就诊凭证类型"""
    device_type: Annotated[Optional[str], may_be_empty(30)] = None
    """设备类型：刷脸终端该字段设为 FaceTerminal，其它情况不用设置"""
    ext_data: JsonOrText = {}  # noqa: RUF012 - pydantic copies it for each request
    """扩展参数：预留 json 字段

    §5.6.3 marks it Y but defines no content, so the default is ``{}``."""

    @model_validator(mode="after")
    def _token_with_qrcode(self) -> "EcPwdRequest":
        if self.mdtrt_cert_type == MdtrtCertType.EC_QRCODE and not self.ec_token:
            text = _(
                "身份核验令牌 {token} must be given when {type} is 01A (a QR code)"
            )
            names = {"token": field("ec_token"), "type": field("mdtrt_cert_type")}
            raise ValueError(text.format(**names))
        return self


class EcAuthResponse(Response):
    """刷脸获取医保用户身份授权的响应 (the terminal's standard)."""

    auth_no: Annotated[str, documented(64)]
    """实人认证业务流水号：``AuthCheckRequest`` needs it"""
    out_biz_no: Annotated[Optional[str], documented(64)] = None
    """定点医药机构本次业务流水号"""
    ext_data: ParsedJson = None
    """扩展参数

    Parsed if it is JSON text."""


class EcAuthRequest(Numbered[EcAuthResponse]):
    """刷脸获取医保用户身份授权 (the terminal's standard): show its face screen.

    ``AuthCheckRequest`` (§5.5) needs the ``auth_no`` of its answer. The terminal's
    standard (定点医药机构对接医保业务综合服务终端接口规范) was not available: the
    fields are those in the source code of a public HIS.
    """

    trans_type = "cn.nhsa.ec.auth"
    repeatable = True
    operator_action = "刷脸"

    ext_data: Optional[Annotated[JsonOrText, AfterValidator(as_text)]] = None
    """扩展参数

    A ``dict`` is sent as JSON text: the terminal's standard has no objects here."""


# A new transaction needs a class above, a line here, and its name in ``__init__``; an
# example in ``simulator``, if it is to be answered there.
TRANSACTIONS: Dict[str, Type[Request[Any]]] = {
    request.trans_type: request
    for request in (
        EcQueryRequest,
        QrcodeGetRequest,
        AuthCheckRequest,
        EcPwdRequest,
        EcAuthRequest,
    )
}
"""The classes of requests by transType: those of §3 and the terminal's.

The simulator answers those for which it has an example."""
