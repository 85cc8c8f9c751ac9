"""The base classes of requests and responses."""

# A field's docstring begins with its name in the standard (参数描述). Editors show it,
# and errors name the field by it. The wire name of a field is its Python name in camel
# case (``auth_no`` is ``authNo``). A request accepts both, and is sent with wire names.
#
# No error, pickle of an error or ``repr`` shows a value, since it may be a patient's;
# only a ``repr`` shows listed codes.

import re
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Generic,
    Iterator,
    Optional,
    Tuple,
    Type,
    TypeVar,
    get_args,
)

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.aliases import AliasChoices
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema
from typing_extensions import Annotated

from .codes import Code, ReturnCode
from .json_text import ABSENT, as_text
from .language import _, field
from .rows import ParsedJson, filled


class _Hidden:
    def __repr__(self) -> str:
        return "…"


class _Model(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        # pydantic's own wrap validator would not see errors of a subclass's "after"
        # validators, so this one is put around the whole schema.
        wrap = core_schema.no_info_wrap_validator_function
        return wrap(cls._validate, handler(source))

    @classmethod
    def _validate(cls, data: Any, handler: Any) -> Any:
        try:
            return handler(data)
        except ValidationError as error:
            raise _without_input(cls, error) from None

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            try:
                return super().__setattr__(name, value)
            except ValidationError as error:
                hidden = _without_input(type(self), error)
            raise hidden  # outside the except block, whose context holds the input

        @classmethod
        def model_validate_json(cls, *arguments: Any, **options: Any) -> Any:
            try:
                return super().model_validate_json(*arguments, **options)
            except ValidationError as error:
                if error.errors(include_input=False)[0]["type"] != "json_invalid":
                    raise
                hidden = _without_input(cls, error)
            raise hidden

    def __repr_args__(self) -> Iterator[Tuple[Optional[str], Any]]:
        """Show the names of fields with a value, and the values of listed codes."""
        for name, value in self.__dict__.items():
            if value is not None:
                yield name, str(value) if isinstance(value, Code) else _Hidden()
        # Show the names of unlisted fields, unless the name itself may be patient data.
        for name, value in (self.model_extra or {}).items():
            if value is not None and name.isascii() and name.isidentifier():
                yield name, _Hidden()


def _without_input(model: Type[BaseModel], error: ValidationError) -> ValidationError:
    """Return ``error`` in the reader's language and without the input."""
    faults = error.errors(include_input=False)
    # For an unlisted code pydantic reports "enum" beside its other fault, such as the
    # length. An unlisted code is allowed, so show only the other fault.
    others = {fault["loc"][:1] for fault in faults if fault["type"] != "enum"}
    details = []
    for fault in faults:
        if fault["type"] == "enum" and fault["loc"][:1] in others:
            continue
        text = _sentence(model, fault)
        # Before pydantic 2.14 an error can be unpickled only with a type of pydantic's
        # that has a url, and with its context. The context of a custom error is
        # dropped: it may hold the input. So may "error", a user's exception.
        kind: Any = fault["type"]
        if kind == "invalid-json-value":
            kind = "value_error"
        context = fault.get("ctx", {}) if "url" in fault else {}
        custom = PydanticCustomError(kind, "{error}", {**context, "error": text})
        # Only the first part of the location: the next may be a key of the input.
        details.append(InitErrorDetails(type=custom, loc=fault["loc"][:1], input=None))
    return ValidationError.from_exception_data(model.__name__, details, hide_input=True)


def _sentence(model: Type[BaseModel], fault: Any) -> str:
    """Describe a fault, as in ``收款员姓名 operator_name: at most 30 characters``."""
    texts = {
        "missing": _("it must be given"),
        "extra_forbidden": _("there is no such field"),
        "string_type": _("give text"),
        "dict_type": _("give a dict"),
        "bytes_type": _("give text or bytes"),
        "string_too_long": _("at most {max_length} characters"),
        "string_too_short": _("it must not be empty"),
        "string_pattern_mismatch": _("no control characters (line end, tab, NUL)"),
        "string_unicode": _("it has an invalid character (a lone surrogate)"),
        "frozen_instance": _("a request cannot be changed: make another"),
        "finite_number": _("JSON has no such number"),
        "invalid-json-value": _("JSON has no such value"),
        "json_invalid": _("this is not JSON"),
    }
    if fault["type"] in texts:
        text = texts[fault["type"]].format(**fault.get("ctx", {}))
    else:
        text = fault["msg"].replace("Value error, ", "", 1)
    name = field_of(fault["loc"])
    if not name:
        return text
    label = f"{chinese_name(model, name)} {field(name)}".strip()
    return _("{field}: {fault}").format(field=label, fault=text)


def field_of(location: Tuple[Any, ...]) -> str:
    """Return the field of a fault's location; empty if the whole model is wrong."""
    return str(location[0]) if location else ""


def chinese_name(model: Type[BaseModel], name: str) -> str:
    """Return 参数描述 of a field, with which its docstring begins."""
    info = model.model_fields.get(name)
    return re.split("[：\n]", info.description or "")[0] if info else ""


class Response(_Model):
    """The ``data`` of an answer. Derive from it for a transaction of your own.

    It is read leniently: ``""``, ``null`` and ``"null"`` count as absent, a number is
    accepted where text is expected, and fields that no table lists are kept in
    ``model_extra``.
    """

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    @classmethod
    def _validate(cls, data: Any, handler: Any) -> Any:
        if isinstance(data, dict):
            # Gson writes the whole number 430000 as 430000.0.
            data = {
                name: int(value)
                if type(value) is float and value.is_integer()
                else value
                for name, value in data.items()
                if value not in ABSENT
            }
        return super()._validate(data, handler)


T = TypeVar("T", bound=Response)


class Request(_Model, Generic[T]):
    """The ``data`` of a transaction. ``T`` is the type of its response.

    Derive from it for a transaction of your own::

        class CertGetResponse(Response):
            auth_no: str

        class CertGetRequest(Request[CertGetResponse]):
            trans_type = "cn.nhsa.cert.get"
            operator_id: str

    If a province adds a field, derive a subclass with that field. Making a request with
    wrong, missing, too long or unknown fields raises ``pydantic.ValidationError``.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, loc_by_alias=False, allow_inf_nan=False
    )

    trans_type: ClassVar[str]
    """交易类型 (§4.2.4.1), at most 40 characters."""
    response_type: ClassVar[Type[Response]]
    repeatable: ClassVar[bool] = False
    """Whether it settles nothing, and may be repeated if its outcome is unknown."""
    operator_action: ClassVar[str] = "操作"
    """What the operator does, for ``NationEcError.for_operator``, for example 扫码."""

    org_id: Annotated[Optional[str], filled(40)] = None
    """机构 ID：医保定点机构代码

    The client sets it in the head and in the data."""

    # Editors show this docstring where a request is made, instead of pydantic's.
    if TYPE_CHECKING:

        def __init__(self, **data: Any) -> None:
            """Make the ``data`` of this class's transaction."""

    else:

        def __class_getitem__(cls, response_type: Any) -> Any:
            # Do what typing.Generic does. pydantic would make another model for each
            # response type: seven models, half of this package's import time.
            return super(BaseModel, cls).__class_getitem__(response_type)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for base in cls.__dict__.get("__orig_bases__", ()):
            for response_type in get_args(base):
                if isinstance(response_type, type):
                    cls.response_type = response_type


class _Head(_Model):
    trans_type: Annotated[str, filled(40)]
    """交易类型：§4.2.4.1"""


class AnyRequest(Request[Response]):
    """A transaction without a class: ``AnyRequest("cn.nhsa.cert.get", outBizNo="1")``.

    ``data`` is sent with the names and values given here; a field that is ``None`` is
    left out. The client fills in ``org_id``, as for all requests. The answer is a
    ``Response`` with all fields in its ``model_extra``.

    Raises ``pydantic.ValidationError`` for a ``trans_type`` that is empty or longer
    than 40 characters, and for values that JSON does not have.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: Dict[str, JsonValue]
    _trans_type: str = PrivateAttr()

    def __init__(self, trans_type: str, /, **data: Any) -> None:
        """Make a transaction (§4.2.4.1) of ``data``, which has the wire names."""
        super().__init__(**data)
        self._trans_type = _Head(trans_type=trans_type).trans_type

    # Properties, so that a field of the data may have any name.
    @property
    def trans_type(self) -> str:  # type: ignore[override]
        """交易类型 (§4.2.4.1)."""
        return self._trans_type

    @property
    def out_biz_no(self) -> Any:
        """业务流水号 (§4.2.3): ``outBizNo`` of the data."""
        return (self.model_extra or {}).get("outBizNo")

    def __repr_args__(self) -> Iterator[Tuple[Optional[str], Any]]:
        yield None, self.trans_type
        yield from super().__repr_args__()


class Envelope(Response):
    """The head of an answer (§4.2.4.2). ``model_extra`` holds what no table lists."""

    # As text, since pydantic would read true as 1.
    code: Annotated[int, Field(gt=-(10**10), lt=10**10), BeforeValidator(str)]
    """返回码 (§7.1): up to ten digits, also as text. The table allows four."""
    message: Annotated[str, BeforeValidator(as_text)] = Field(
        default="", validation_alias=AliasChoices("message", "cause")
    )
    """返回信息：``message`` of the answer, else its ``cause``, else the text of §7.1"""
    org_id: Annotated[Optional[str], BeforeValidator(as_text)] = None
    """机构 ID: required in the table, but absent in the example of §5.3.5.2."""
    data: ParsedJson = None
    extra: ParsedJson = None

    @model_validator(mode="after")
    def _with_message(self) -> "Envelope":
        if not self.message:
            listed = ReturnCode.listed(self.code)
            self.message = "" if listed is None else listed.label  # listed may be 0
        return self
