"""The DLL in this process."""

import os
from contextlib import suppress
from typing import Optional, Tuple, Union

from ..errors import OUTCOME_UNKNOWN, DllCrashError, DllLoadError
from . import binding


def load_error(reason: str, path: str, text: str) -> DllLoadError:
    """The binding's error as the library's, with the names of missing libraries where pefile can tell them."""
    if reason == "missing-dependency":
        from .. import pe

        with suppress(ImportError, OSError, ValueError):
            missing = [name for name, place in pe.dependencies(path).items() if place is None]
            if missing and binding.SYSTEM == "Windows":
                text = f"{text}. Missing: {', '.join(missing)}"
    return DllLoadError(text, reason=reason, path=path)


class DllTransport:
    """``NationECCode.dll`` loaded into this process, or a Linux or macOS library with the same function.

    Without a ``path`` it is looked for: see ``binding.candidates``. ``out_buffer_size`` is the room for an answer
    in bytes; the DLL is never told, so give it more rather than less.

    Calls from all threads, and all transports of one DLL, are made one at a time. A call that hangs cannot be
    ended, and a crash other than an access violation ends this process: ``IsolatedDll`` has an answer to both.

    Raises ``DllLoadError``.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]", None] = None, *, out_buffer_size: int = 65536) -> None:
        try:
            self._binding: Optional[binding.Binding] = binding.Binding(path, out_buffer_size)
        except binding.LoadError as error:
            raise load_error(*error.args) from None
        self.path = self._binding.path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        bound = self._binding
        if bound is None:
            raise ValueError("this transport is closed: make a new one")
        try:
            return bound.call(url, in_data)
        except binding.CrashError as error:
            text, received = error.args
        raise DllCrashError(
            f"{text}. {OUTCOME_UNKNOWN}", received=received
        )  # not from in there: the context would show what was received

    def close(self) -> None:
        """Nothing can be sent after it. The DLL stays loaded: there is no safe moment to unload one."""
        self._binding = None
