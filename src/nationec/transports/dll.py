"""The DLL in this process."""

import os
from typing import Optional, Tuple, Union

from ..errors import crash_error, load_error
from ..language import _, setting
from . import binding

StrPath = Union[str, "os.PathLike[str]"]

OUT_BUFFER_SIZE = 65536
"""The default of ``out_buffer_size``, in bytes."""


def check_size(out_buffer_size: int) -> None:
    """Raise ``ValueError`` for a size that is no positive whole number."""
    if not isinstance(out_buffer_size, int) or out_buffer_size < 1:
        text = _("{name} must be a whole number, at least 1")
        raise ValueError(text.format(name=setting("out_buffer_size")))


def checked_folder(cwd: Optional[StrPath]) -> Optional[str]:
    """Return ``cwd`` as an absolute path. Raises ``ValueError`` if it is no folder."""
    if cwd is None:
        return None
    if not os.path.isdir(cwd):
        text = _("cwd must be a folder: {path} is not one")
        raise ValueError(text.format(path=os.fsdecode(cwd)))
    return binding.absolute(os.fsdecode(cwd))


def refuse_nul(url: bytes, in_data: bytes) -> None:
    """Raise ``ValueError`` for a NUL, at which the DLL would stop reading."""
    if b"\0" in url or b"\0" in in_data:
        text = _("a C string ends at a NUL: give a url and a request without one")
        raise ValueError(text)


class DllTransport:
    """``NationECCode.dll`` in this process.

    ``path`` may also be a Linux or macOS library with the same function. Without it the
    DLL is searched for, see ``binding.candidates``. ``out_buffer_size`` is the size of
    OutData in bytes. The DLL does not know it, so give more rather than less.

    The DLL opens its settings, its log and further DLLs by bare name, in the current
    directory of the process. ``cwd`` is the current directory while the DLL loads and
    during each call. **Other threads of the program see the change**, since a process
    has one current directory; ``IsolatedDll`` has a process of its own.

    Only one call at a time is made in this process, whichever thread or
    ``DllTransport`` makes it; a call in a signal handler would wait for ever for the
    one that it interrupts. A call that hangs cannot be ended, and a crash ends this
    process, except for an access violation on Windows: use ``IsolatedDll`` against
    both.

    Raises ``DllLoadError``, and ``ValueError`` for a ``cwd`` that is no folder.
    """

    def __init__(
        self,
        path: Optional[StrPath] = None,
        *,
        cwd: Optional[StrPath] = None,
        out_buffer_size: int = OUT_BUFFER_SIZE,
    ) -> None:
        check_size(out_buffer_size)
        folder = checked_folder(cwd)
        self._binding: Optional[binding.Binding]
        try:
            self._binding = binding.Binding(path, out_buffer_size, folder)
        except binding.LoadError as error:
            raise load_error(**error.facts) from None
        self.path = self._binding.path

    def __repr__(self) -> str:
        return f"DllTransport({self.path!r})"

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """See ``Transport``.

        Raises ``DllCrashError``, and ``DllLoadError`` if ``cwd`` is gone.
        """
        bound = self._binding
        if bound is None:
            raise ValueError(_("this transport is closed: make a new one"))
        refuse_nul(url, in_data)
        try:
            return bound.call(url, in_data)
        except binding.LoadError as error:
            raise load_error(**error.facts) from None
        except binding.CrashError as error:
            crash = crash_error(received=error.received, **error.facts)
        raise crash  # outside the except block, whose error holds what was received

    def close(self) -> None:
        """Send nothing more. The DLL stays loaded: no moment is safe to unload it."""
        self._binding = None
