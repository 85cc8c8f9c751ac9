"""The DLL in this process."""

import os
from typing import Optional, Tuple, Union

from ..errors import crash_error, load_error
from ..language import _
from . import binding

Path = Union[str, "os.PathLike[str]"]

OUT_BUFFER_SIZE = 65536
"""Bytes of room for an answer, unless told."""


def checked(cwd: Optional[Path], out_buffer_size: int) -> Optional[str]:
    """``cwd`` as an absolute path.

    Raises ``ValueError`` when it is no folder, and for an OutData without room.
    """
    if out_buffer_size < 1:
        raise ValueError(_("{name} must be at least 1").format(name="out_buffer_size"))
    if cwd is None:
        return None
    if not os.path.isdir(cwd):
        text = _("cwd must be a folder, and this is none: {path}")
        raise ValueError(text.format(path=os.fsdecode(cwd)))
    return os.path.abspath(os.fsdecode(cwd))


def check_texts(url: bytes, in_data: bytes) -> None:
    """Raise ``ValueError`` for what the DLL would read only in part."""
    if b"\0" in url or b"\0" in in_data:
        text = _("a C string ends at a NUL: give a url and a request without one")
        raise ValueError(text)


class DllTransport:
    """``NationECCode.dll`` in this process.

    It may be a Linux or macOS library with the same function. Without a ``path`` it is
    looked for: see ``binding.candidates``. ``out_buffer_size`` is the room for an
    answer in bytes; the DLL is never told, so give it more rather than less.

    The DLL opens its settings, its log and further DLLs by bare name, in the current
    directory of the process. ``cwd`` is the folder to make that one while the DLL loads
    and during each call. The whole program has one current directory, so **its other
    threads see the changed one meanwhile**; ``IsolatedDll`` has a process and a
    directory of its own.

    Calls from all threads, and all transports of this process, are made one at a time.
    A call that hangs cannot be ended, and a crash other than an access violation on
    Windows ends this process: ``IsolatedDll`` has an answer to both.

    Raises ``DllLoadError``, and ``ValueError`` for a ``cwd`` that is no folder.
    """

    def __init__(
        self,
        path: Optional[Path] = None,
        *,
        cwd: Optional[Path] = None,
        out_buffer_size: int = OUT_BUFFER_SIZE,
    ) -> None:
        folder = checked(cwd, out_buffer_size)
        self._binding: Optional[binding.Binding]
        try:
            self._binding = binding.Binding(path, out_buffer_size, folder)
        except binding.LoadError as error:
            raise load_error(error.reason, error.path, **error.facts) from None
        self.path = self._binding.path

    def __repr__(self) -> str:
        return f"DllTransport({self.path!r})"

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        """See ``Transport``. Raises ``DllCrashError``."""
        bound = self._binding
        if bound is None:
            raise ValueError(_("this transport is closed: make a new one"))
        check_texts(url, in_data)
        try:
            return bound.call(url, in_data)
        except binding.CrashError as error:
            crash = error
        # Not from in there: a traceback shows the context, and what was received.
        raise crash_error(crash.reason, crash.received, **crash.facts)

    def close(self) -> None:
        """Nothing can be sent after it. The DLL stays loaded."""
        # ctypes keeps it loaded: there is no safe moment to unload a DLL.
        self._binding = None
