"""The bases of requests and responses, and what they never show."""

# A field's docstring begins with its name in the standard (参数描述), which an editor
# shows and an error tells. Python's names become the wire's by themselves (``auth_no``
# is ``authNo``); a request takes either and goes out under the wire's.
#
# No error, ``repr`` or pickle of an error holds a value: it may be a patient's.

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
from .json_text import ABSENT, write
from .language import _, field
from .rows import JsonText, required


def _no_boolean(code: Any) -> Any:
    if isinstance(code, bool):  # pydantic takes true for 1
        raise ValueError("a boolean")
    return code


def _as_text(words: Any) -> Any:
    return words if isinstance(words, str) else write(words)


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
        # Around all: a wrap validator stands inside a subclass's "after" validators.
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
            raise hidden  # not from in there: the context holds the input

    def __repr_args__(self) -> Iterator[Tuple[Optional[str], Any]]:
        """Show which fields are there, and the values of codes that are listed."""
        for name, value in self.__dict__.items():
            if value is not None:
                yield name, str(value) if isinstance(value, Code) else _Hidden()
        # Show the names of unlisted fields, unless the name itself may be patient data.
        for name in self.model_extra or {}:
            if name.isascii() and name.isidentifier():
                yield name, _Hidden()


def _without_input(model: Type[BaseModel], error: ValidationError) -> ValidationError:
    """Return ``error`` in the reader's language, and without the input."""
    faults = error.errors(include_input=False)
    # An unlisted code may be right. If it has another fault, that one is shown alone.
    others = {fault["loc"][:1] for fault in faults if fault["type"] != "enum"}
    details = []
    for fault in faults:
        if fault["type"] == "enum" and fault["loc"][:1] in others:
            continue
        kind: Any = fault["type"]
        text = _sentence(model, fault)
        # An error of pydantic's own kinds has a url. The context of any other, which is
        # a user's validator's, may hold the input. Before pydantic 2.13 an error of a
        # custom kind is unpickled with its context.
        context = fault.get("ctx", {}) if "url" in fault else {}
        custom = PydanticCustomError(
            kind, "{text}", {**context, "error": text, "text": text}
        )
        # The first part of the place alone: the next may be a key of the input.
        details.append(InitErrorDetails(type=custom, loc=fault["loc"][:1], input=None))
    return ValidationError.from_exception_data(model.__name__, details, hide_input=True)


def _sentence(model: Type[BaseModel], fault: Any) -> str:
    """Say, for example, 收款员姓名 operator_name: at most 30 characters."""
    texts = {
        "missing": _("it must be given"),
        "extra_forbidden": _("there is no such field"),
        "string_type": _("give text"),
        "dict_type": _("give a dict"),
        "bytes_type": _("give text or bytes"),
        "string_too_long": _("at most {max_length} characters"),
        "string_too_short": _("it must not be empty"),
        "string_pattern_mismatch": _("no control characters (line end, tab, NUL)"),
        "string_unicode": _("it has a character that is none (a lone surrogate)"),
        "frozen_instance": _("a request cannot be changed: make another"),
        "finite_number": _("JSON has no such number"),
        "invalid-json-value": _("JSON has no such value"),
    }
    if fault["type"] in texts:
        text = texts[fault["type"]].format(**fault.get("ctx", {}))
    else:
        text = fault["msg"].replace("Value error, ", "", 1)
    if not fault["loc"]:
        return text
    name = str(fault["loc"][0])
    label = f"{chinese_name(model, name)} {field(name)}".strip()
    return _("{field}: {fault}").format(field=label, fault=text)


def chinese_name(model: Type[BaseModel], name: str) -> str:
    """Return 参数描述 of a field: what its docstring begins with."""
    info = model.model_fields.get(name)
    return re.split("[：\n]", info.description or "")[0] if info else ""


class Response(_Model):
    """The ``data`` of an answer. Derive from it for a transaction of your own.

    Read leniently: ``""``, ``null`` and ``"null"`` are as absent, a number is read as
    its digits where text is expected, and fields that no table lists are kept in
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
    """The ``data`` of a transaction, and as ``T`` the type of what answers it.

    Derive from it for a transaction of your own::

        class CertGetResponse(Response):
            auth_no: str

        class CertGetRequest(Request[CertGetResponse]):
            trans_type = "cn.nhsa.cert.get"
            operator_id: str

    A field that a province adds is a subclass with that field. Wrong, missing, too long
    and unknown fields raise ``pydantic.ValidationError`` here, before anything is sent.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, loc_by_alias=False, allow_inf_nan=False
    )

    trans_type: ClassVar[str]
    """交易类型 (§4.2.4.1), at most 40 characters."""
    response_type: ClassVar[Type[Response]]
    repeatable: ClassVar[bool] = False
    """Whether it may be done again when its outcome is unknown: it settles nothing."""
    operator_action: ClassVar[str] = "操作"
    """What is done at the window, as ``NationEcError.for_operator`` says it: 扫码."""

    org_id: Annotated[Optional[str], required(40)] = None
    """机构 ID：医保定点机构代码

    Filled in by the client, into the head and the data."""

    # An editor shows this text where a request is made, and else pydantic's.
    if TYPE_CHECKING:

        def __init__(self, **data: Any) -> None:
            """The ``data`` of a transaction: the class says which."""

    else:

        def __class_getitem__(cls, answer: Any) -> Any:
            # As of any generic class. pydantic's own makes a model for each answer, and
            # the seven of them took half of the time in which this package is imported.
            return super(BaseModel, cls).__class_getitem__(answer)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for base in cls.__dict__.get("__orig_bases__", ()):
            for answer in get_args(base):
                if isinstance(answer, type):
                    cls.response_type = answer


class _Head(_Model):
    trans_type: Annotated[str, required(40)]
    """交易类型：§4.2.4.1"""


class AnyRequest(Request[Response]):
    """A transaction without a class: ``AnyRequest("cn.nhsa.cert.get", outBizNo="1")``.

    ``data`` goes out under the names and with the values given here, but for ``None``,
    which is left out; ``org_id`` is filled in as ever. The answer is a ``Response``
    with everything in its ``model_extra``.

    Raises ``pydantic.ValidationError`` for a ``trans_type`` that is empty or longer
    than 40 characters, and for values that JSON does not have.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: Dict[str, JsonValue]
    _trans_type: str = PrivateAttr()

    def __init__(self, trans_type: str, /, **data: Any) -> None:
        """A transaction without a class (§4.2.4.1): ``data`` under the wire's names."""
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
        for name, value in (self.model_extra or {}).items():
            if value is not None:
                yield name, _Hidden()


class Envelope(Response):
    """The head of an answer (§4.2.4.2); what is added to it is in ``model_extra``."""

    code: Annotated[int, Field(gt=-(10**10), lt=10**10), BeforeValidator(_no_boolean)]
    """返回码 (§7.1): any integer, also as text, where the table has four digits."""
    message: Annotated[str, BeforeValidator(_as_text)] = Field(
        default="", validation_alias=AliasChoices("message", "cause")
    )
    """返回信息：its ``message``, else its ``cause``, else the text of §7.1"""
    org_id: Annotated[Optional[str], BeforeValidator(_as_text)] = None
    """机构 ID: may be ``None``, Y in the table and not in the example of §5.3.5.2."""
    data: JsonText = None
    extra: JsonText = None

    @model_validator(mode="after")
    def _with_message(self) -> "Envelope":
        if not self.message:
            listed = ReturnCode.listed(self.code)
            self.message = "" if listed is None else listed.label  # SUCCESS is 0
        return self
