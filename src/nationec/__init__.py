"""Decode a patient's 医保电子凭证 (national medical-insurance e-voucher) through ``NationECCode.dll``.

The names are those of ``nationec.public``. They are loaded with the first that is used, so that the pytest plugin
and ``nationec --version`` do not load pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .public import *  # noqa: F403
    from .public import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module 'nationec' has no attribute {name!r}")
        public = import_module(".public", __name__)
        globals().update({each: getattr(public, each) for each in public.__all__}, __all__=public.__all__)
        try:
            return globals()[name]
        except KeyError:
            raise AttributeError(f"module 'nationec' has no attribute {name!r}") from None

    def __dir__() -> List[str]:
        return sorted({*globals(), *__getattr__("__all__")})
