"""Values that look like mistakes. They are sent unchanged, with a warning.

A province or a later edition of the standard may use them.
"""

import logging
from typing import Any, Dict, Iterator, Optional, Tuple, Type

from pydantic import ConfigDict

from .codes import BusinessType, Code, IdType, MdtrtCertType
from .language import field
from .models import Request
from .rows import has_control

request_log = logging.getLogger("nationec.request")

_CODES: Dict[str, Type[Code]] = {
    "business_type": BusinessType,
    "id_type": IdType,
    "mdtrt_cert_type": MdtrtCertType,
}
_LONGER = "%s has %d characters, the standard's table has %d"


def doubts(request: Request[Any]) -> Iterator[str]:
    """Describe the values of ``request`` that look like mistakes."""
    for name, value in request.__dict__.items():
        if type(value) is not str:  # a listed code is no plain str
            continue
        for code in _CODES.get(name, ()):
            if code == f"0{value}":  # Excel or a C# int has dropped the zero
                zero = f"{field(name)}={value} is not listed, {code} ({code.label}) is"
                yield f"{request.trans_type}: {zero}"
        if "?" in value:  # an encoding without Chinese writes "?" for it
            mark = f"{field(name)} has a question mark where Chinese may have been"
            yield f"{request.trans_type}: {mark}"


def field_names(request_type: Type[Request[Any]]) -> Dict[Optional[str], str]:
    """Map the wire names of the fields to their Python names."""
    return {info.alias: name for name, info in request_type.model_fields.items()}


def widened(request_type: Type[Request[Any]]) -> Type[Request[Any]]:
    """Derive a class that also accepts longer text and unlisted fields.

    Later editions and provinces ask for both. Longer text is sent unchanged, and the
    logger ``nationec.request`` warns of it. Codes keep their length.
    """
    names = field_names(request_type)

    class Widened(request_type):  # type: ignore[valid-type,misc]
        __doc__ = request_type.__doc__
        __qualname__ = request_type.__qualname__  # as a JSON schema names it
        # The fields have theirs already, and to look for more takes a millisecond.
        model_config = ConfigDict(
            extra="allow", title=request_type.__name__, use_attribute_docstrings=False
        )

        @classmethod
        def _validate(cls, data: Any, handler: Any) -> Any:
            fields = {names.get(name, name): value for name, value in data.items()}
            if len(fields) < len(data):  # one under both of its names: it is refused
                return request_type.model_validate(data)
            # Validate the text cut to its limit, then put the whole text back. The
            # warning stands here, since it would take much of each call in ``doubts``.
            longer = list(_longer(cls, fields))
            for name, text, limit in longer:
                fields[name] = text[:limit]
                shown = f"{cls.trans_type}: {field(name)}"
                request_log.warning(_LONGER, shown, len(text), limit)
            made = super()._validate(fields, handler)
            # In place: __init__ keeps this object.
            made.__dict__.update({name: text for name, text, _ in longer})
            return made

    Widened.__name__ = request_type.__name__
    return Widened


def _longer(
    model: Type[Request[Any]], fields: Dict[str, Any]
) -> Iterator[Tuple[str, str, int]]:
    """Yield the name, text and limit of fields that are longer than the table says."""
    for name, info in model.model_fields.items():
        limit = sum(getattr(rule, "max_length", 0) for rule in info.metadata)
        value = fields.get(name)
        text = value.rstrip(" ") if isinstance(value, str) else ""
        if 0 < limit < len(text) and not has_control(text):
            yield name, text, limit
