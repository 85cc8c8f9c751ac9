"""The transactions of §5.3 to §5.6: a request and a response for each, one row of the standard's tables a line.

A field's ``title`` is its name in the standard (参数描述), its ``description`` the standard's remark (备注). Lengths
are the standard's, in characters: a request keeps to them, a response may exceed them. What the standard marks N
has a default and may be ``None``, which leaves it out.

A transaction that is not here takes a few lines of your own code::

    class EcAuthResponse(Response):
        auth_no: str

    class EcAuthRequest(Request[EcAuthResponse]):
        trans_type = "cn.nhsa.ec.auth"
        operator_id: str

A field that a province adds is a subclass with that field. Python's names become the wire's by themselves
(``auth_no`` goes out as ``authNo``), and input is accepted under either.
"""

import json
import re
from base64 import b64encode
from difflib import get_close_matches
from string import ascii_letters, digits
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    FrozenSet,
    Generic,
    Iterator,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
)

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import Annotated  # comes with pydantic; typing has it from Python 3.9

from .codes import BusinessType, Code, IdType, MdtrtCertType, PwdFlag
from .reading import unwrapped

PHOTO_LIMIT = 102_400
"""The "100k" of photoData, in characters of base64: an image of 76,800 bytes."""

_MAY_BE_JSON = frozenset({"photo_data", "ext_data", "extra"})  # or base64

not_text = re.compile("[\0-\x1f\x7f\ud800-\udfff]").search
_NOT_TEXT = "this has a control character (NUL, tab, line end, ...) or a lone surrogate: leave it out"
_BASE64 = (ascii_letters + digits + "+/").encode()


def _y(title: str, limit: int, remark: Optional[str] = None) -> Any:
    """A row of a request's table with 必填 Y: there, and not empty. Text, and not bytes in some encoding."""
    return Field(title=title, description=remark, min_length=1, max_length=limit, strict=True)


def _n(title: str, limit: Optional[int] = None, remark: Optional[str] = None) -> Any:
    """A row of a request's table with 必填 N."""
    return Field(title=title, description=remark, max_length=limit, strict=True if limit else None)


def _code(title: str, remark: Optional[str] = None, limit: Optional[int] = None) -> Any:
    """A row whose value is a code: the member where the standard lists it, else the text as it is."""
    told: Any = {"maxLength": limit} if limit else None
    return Field(title=title, description=remark, union_mode="left_to_right", json_schema_extra=told)


def _r(title: str, limit: Optional[int] = None, remark: Optional[str] = None) -> Any:
    """A row of a response's table. The length is told, not enforced."""
    return Field(title=title, description=remark, json_schema_extra={"maxLength": limit} if limit else None)


_Code3 = Annotated[str, Field(min_length=1, max_length=3, strict=True)]
_Code5 = Annotated[str, Field(min_length=1, max_length=5, strict=True)]
_Code6 = Annotated[str, Field(min_length=1, max_length=6, strict=True)]


def _is_base64(text: str) -> bool:
    # Ten times as fast as a regular expression, and a photo is most of what a call costs.
    rest = text.encode("ascii", "replace").translate(None, _BASE64)
    return rest in (b"", b"=", b"==") and text.endswith(rest.decode()) and len(text) % 4 == 0


def _photo(given: Union[str, bytes, None]) -> Optional[str]:
    if given is None:
        return None
    photo = b64encode(given).decode("ascii") if isinstance(given, bytes) else given
    if photo[:5].lower() == "data:":
        raise ValueError("this is a data URI: give what follows its comma, or the image as bytes")
    if len(photo) > PHOTO_LIMIT:
        raise ValueError(f"{len(photo):,} characters of base64, the limit is {PHOTO_LIMIT:,}: give a smaller image")
    if not photo:
        raise ValueError("the photo is empty: give None to send none")
    if given is photo and not _is_base64(photo):
        raise ValueError("this is not base64: give the image as bytes, and it is encoded for you")
    return photo


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def json_text(value: Any) -> str:
    """``value`` as the JSON that goes over the wire; raises ``ValueError`` for what JSON or GB 18030 cannot carry."""
    try:
        text = _encode(value)
        text.encode()
        return text
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(error).__name__  # and not raised from here: it holds the value
    raise ValueError(f"this cannot be sent as JSON ({kind})")


def _sendable(value: Union[Dict[str, Any], str, None]) -> Union[Dict[str, Any], str, None]:
    if value is not None:
        json_text(value)
    return value


def _head_extra(value: Union[Dict[str, Any], str, None]) -> Union[Dict[str, Any], str, None]:
    if value is not None and len(value if isinstance(value, str) else json_text(value)) > 2048:
        raise ValueError("more than 2,048 characters of JSON")
    return _sendable(value)


def _hint(name: Any, model: Type[BaseModel]) -> str:
    fields = {field.replace("_", ""): field for field in model.model_fields}
    near = get_close_matches(str(name).replace("_", "").lower(), fields, 1, 0.8)
    if name in model.model_fields:
        return f"this is given twice, also as {model.model_fields[name].alias}"
    return "there is no such field" + (f", did you mean {fields[near[0]]}?" if near else "")


_photo_row = _n(
    "人脸照片",
    remark="base64 字符串，大小控制在 100k 以下（解码时的用户快照或者实人认证照片，可根据实际情况自行判定是否传入）",
)
_out_biz_no_row = _y("定点医药机构本次业务流水号", 64, "不可重复，每次请求都需要唯一")
_Photo = Annotated[Union[Annotated[str, Field(strict=True)], bytes], AfterValidator(_photo)]
_Ext = Annotated[Union[Dict[Any, Any], str], AfterValidator(_sendable)]


class _Model(BaseModel):
    # Its errors do not show the input: it is a patient's.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[Tuple[Optional[str], Any]]:
        """Only the codes that the standard lists and the transaction's own numbers: nothing personal."""
        for name, value in self.__dict__.items():
            if isinstance(value, Code) or (value is not None and name in ("org_id", "out_biz_no")):
                yield name, value


class Response(_Model):
    """The ``data`` of an answer. Derive from it for a transaction of your own.

    Read leniently: ``""``, ``null`` and ``"null"`` are as absent, a number is read as its digits where text is
    expected, and fields that no table lists are kept in ``model_extra``.
    """

    # Of any length, but text: only with a limit does pydantic refuse a lone surrogate, which cannot be stored or sent.
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, str_min_length=0)

    _listed: ClassVar[FrozenSet[str]] = frozenset()
    _unlike_the_wires: ClassVar[Dict[str, Optional[str]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        aliases = {name: field.alias for name, field in cls.model_fields.items()}
        cls._listed = frozenset(aliases) | {alias or "" for alias in aliases.values()}
        cls._unlike_the_wires = {name: alias for name, alias in aliases.items() if name != alias}

    @model_validator(mode="before")
    @classmethod
    def _without_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        listed = cls._listed
        told = {
            name: value
            for name, value in data.items()
            if not (value == "" or value is None or value == "null") or name not in listed
        }
        # The wire's name goes before Python's, which no platform sends.
        if not told.keys().isdisjoint(cls._unlike_the_wires):
            for name, alias in cls._unlike_the_wires.items():
                if name in told and alias in told:
                    del told[name]
        return told


T = TypeVar("T", bound=Response)


class Request(_Model, Generic[T]):
    """What is sent, and the type of what comes back as ``T``. Derive from it for a transaction of your own.

    Wrong, missing, too long and unknown fields raise ``pydantic.ValidationError`` here, before anything is sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, loc_by_alias=False, allow_inf_nan=False)  # JSON has neither

    trans_type: ClassVar[str]
    """交易类型 (§4.2.4.1), at most 40 characters."""
    response_type: ClassVar[Type[Response]]

    org_id: Annotated[Optional[str], _y("机构 ID", 40, "医保定点机构代码")] = None
    """Filled in by the client, into the head and the data."""
    extra: Annotated[
        Union[Dict[Any, Any], str, None], _n("扩展参数", remark="JSON 格式字符串"), AfterValidator(_head_extra)
    ] = None
    """Of the head (§4.2.4.1), at most 2,048 characters of JSON. A ``str`` is sent as it is."""

    # As pydantic's own, which validation in other ways calls too; a validator around it takes half as long again.
    def __init__(self, /, **data: Any) -> None:
        faults: Any
        try:
            self.__pydantic_validator__.validate_python(data, self_instance=self)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
        else:
            # A scanner's or a table's stray NUL, tab or line end: no table has a field that could mean one. JSON may.
            # Here, since a validator of each field took as long as the rest of making a request.
            faults = [
                {"type": "value_error", "loc": (name,), "msg": _NOT_TEXT}
                for name, value in self.__dict__.items()
                if isinstance(value, str) and name not in _MAY_BE_JSON and not value.isprintable() and not_text(value)
            ]
        if faults:
            raise self._error(faults)

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            # pydantic's own error shows the value.
            if not name.startswith("_"):
                text = "a request cannot be changed: make another, or a copy with model_copy(update=...)"
                raise self._error([{"type": "frozen_instance", "loc": (name,), "msg": text}])
            super().__setattr__(name, value)

    @classmethod
    def _error(cls, faults: Any) -> ValidationError:
        """Without the input, which with ``hide_input_in_errors`` errors(), json() and pickle still have."""
        told = []
        for fault in faults:
            kind, loc, text = fault["type"], fault["loc"], fault["msg"]
            if kind == "extra_forbidden" and len(loc) == 1:
                text = _hint(loc[0], cls)
            context = {name: value for name, value in fault.get("ctx", {}).items() if name != "error"}
            told.append(InitErrorDetails(type=PydanticCustomError(kind, text, context), loc=loc, input=None))
        return ValidationError.from_exception_data(cls.__name__, told, hide_input=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        (*_, response_type) = cls.__pydantic_generic_metadata__["args"] or (None,)
        if isinstance(response_type, type):
            cls.response_type = response_type


class _Operated(Request[T], Generic[T]):
    """The rows that the four requests have in common."""

    business_type: Annotated[Union[BusinessType, _Code5], _code("用码业务类型", "详见 6.1 代码标识说明")]
    operator_id: Annotated[str, _y("收款员编号", 20)]
    operator_name: Annotated[str, _y("收款员姓名", 30)]
    office_id: Annotated[str, _y("医保科室编号", 20)]
    office_name: Annotated[str, _y("科室名称", 30)]


class DecodedResponse(Response):
    """Whose voucher it is: the rows that §5.3.4, §5.4.4 and §5.5.4 have in common."""

    id_no: Annotated[str, _r("参保人身份证", 64)]
    id_type: Annotated[Union[IdType, str], _code("证件类型", "详见 6.2 证件类型代码表", 64)]
    user_name: Annotated[str, _r("参保人姓名", 64)]
    ec_token: Annotated[str, _r("令牌", 40, "用于业务处理验证")]
    insu_org: Annotated[str, _r("参保地区编码", 6, "详见 6.4 统筹区编码")]
    ec_index_no: Annotated[Optional[str], _r("电子凭证索引号", 32)] = None
    gender: Annotated[Optional[str], _r("性别", 2)] = None
    birthday: Annotated[Optional[str], _r("出生日期", 10)] = None
    """As it came: ``1998-01-01`` and ``1998.01.01`` have both been seen."""
    nationality: Annotated[Optional[str], _r("国籍", 32)] = None
    email: Annotated[Optional[str], _r("电子邮箱", 32)] = None
    extra: Annotated[Any, BeforeValidator(unwrapped), _r("扩展参数", remark="预留字段")] = None
    """Parsed where it is JSON text."""


class EcQueryResponse(DecodedResponse):
    """§5.3.4."""


class EcQueryRequest(_Operated[EcQueryResponse]):
    """电子凭证二维码解码 (§5.3): decode the QR code that the reader of this machine has read."""

    trans_type = "ec.query"

    device_type: Annotated[Optional[str], _n("设备类型", 30, "自助机该字段设为 SelfService，其它情况不用设置")] = None
    photo_data: Annotated[Optional[_Photo], _photo_row] = None
    """The image as ``bytes``, or its base64 as ``str`` of at most 102,400 characters."""


class QrcodeGetResponse(DecodedResponse):
    """§5.4.4."""


class QrcodeGetRequest(_Operated[QrcodeGetResponse]):
    """终端医保电子凭证码解码 (§5.4): have the terminal (医保业务综合服务终端) scan the code, and decode it."""

    trans_type = "cn.nhsa.qrcode.get"

    out_biz_no: Annotated[Optional[str], _out_biz_no_row] = None
    """Made with ``new_out_biz_no`` unless given."""
    photo_data: Annotated[Optional[_Photo], _photo_row] = None
    """The image as ``bytes``, or its base64 as ``str`` of at most 102,400 characters."""
    ext_data: Annotated[Optional[_Ext], _n("扩展参数", remark="预留 json 字符")] = None


class AuthCheckResponse(DecodedResponse):
    """§5.5.4."""

    auth_no: Annotated[str, _r("实人认证业务流水号", 64, "医保综合服务终端返回的授权码")]


class AuthCheckRequest(_Operated[AuthCheckResponse]):
    """刷脸授权获取医保身份 (§5.5): the identity behind a face that the terminal has recognised."""

    trans_type = "cn.nhsa.auth.check"

    out_biz_no: Annotated[Optional[str], _out_biz_no_row] = None
    """Made with ``new_out_biz_no`` unless given."""
    auth_no: Annotated[str, _y("实人认证业务流水号", 64, "医保综合服务终端返回的授权码")]
    """From the terminal, which answers ``cn.nhsa.ec.auth`` with it (``examples/face_auth.py``)."""
    photo_data: Annotated[Optional[_Photo], _photo_row]
    """Must be said, and may be ``None``: §5.5.3 marks it Y and leaves it to the caller whether to send one."""
    ext_data: Annotated[Optional[_Ext], _n("扩展参数", remark="预留 json 字段")] = None


class EcPwdResponse(Response):
    """§5.6.4."""

    pwd_flag: Annotated[Union[PwdFlag, str], _code("密码核验结果", "1-有效；0-无效", 2)]
    ec_token: Annotated[str, _r("身份核验令牌", 50)]
    extra: Annotated[Any, BeforeValidator(unwrapped), _r("扩展参数", remark="预留字段")] = None
    """Parsed where it is JSON text."""

    @property
    def is_valid(self) -> bool:
        """Whether the password was right: ``pwd_flag`` is 1."""
        return self.pwd_flag == PwdFlag.VALID


class EcPwdRequest(_Operated[EcPwdResponse]):
    """医保电子凭证密码核验 (§5.6): have the patient enter the voucher's password, and check it.

    The limits are those of §5.6.3: idNo 30, idType 3, businessType 6, where other tables have 64, 64 and 5.
    """

    trans_type = "cn.nhsa.ec.pwd"

    id_no: Annotated[str, _y("人员证件号码", 30)]
    id_type: Annotated[Union[IdType, _Code3], _code("人员证件类型")]
    user_name: Annotated[str, _y("人员姓名", 50)]
    business_type: Annotated[Union[BusinessType, _Code6], _code("办理业务类型", "详见 6.1 代码标识说明")]
    ec_token: Annotated[Optional[str], _n("身份核验令牌", 50, "若是采用二维码解析用户身份，则须传递")] = None
    """Required when ``mdtrt_cert_type`` is 01A (§5.6.3)."""
    mdtrt_cert_type: Annotated[Union[MdtrtCertType, _Code3], _code("就诊凭证类型", "详见 6.5 就诊凭证类型")]
    device_type: Annotated[Optional[str], _n("设备类型", 30, "刷脸终端该字段设为 FaceTerminal，其它情况不用设置")] = (
        None
    )
    ext_data: Annotated[_Ext, _n("扩展参数", remark="预留 json 字段")] = {}
    """§5.6.3 marks it Y and defines no content: ``{}`` unless given."""

    @model_validator(mode="after")
    def _token_with_qrcode(self) -> "EcPwdRequest":
        if self.mdtrt_cert_type == MdtrtCertType.EC_QRCODE and not self.ec_token:
            raise ValueError("ecToken is required when mdtrtCertType is 01A: give the ec_token of the decoded code")
        return self


REQUESTS: Dict[str, Type[Request[Any]]] = {
    request.trans_type: request for request in (EcQueryRequest, QrcodeGetRequest, AuthCheckRequest, EcPwdRequest)
}
"""The transactions of §3, by their 接口类型编码."""
