"""``nationec doctor``: check what a call needs, in the order of use."""

import os
import socket
import sys
from argparse import Namespace
from typing import Iterator, Tuple
from urllib.parse import urlsplit

from ..errors import DllLoadError, load_error
from ..language import _
from ..transports import binding
from ..transports.isolated import IsolatedDll
from .pe_file import dll_version, missing_dlls

Finding = Tuple[str, str, str]
"""A line: status (ok, warning or failed), check (one word), and what to do."""


def run(arguments: Namespace) -> int:
    """Print the report. The exit code is 1 if a call cannot work."""
    exit_code = 0
    for status, check, text in _findings(arguments):
        # Flush each line: loading the DLL may take a while.
        print(_padded(status), _padded(check), text, flush=True)
        if status == _("failed"):
            exit_code = 1
    return exit_code


def _padded(word: str) -> str:
    wide = sum(character > "\u2e7f" for character in word)  # two columns each
    return word.ljust(8 - wide)


def _findings(arguments: Namespace) -> Iterator[Finding]:
    yield _("ok"), _("system"), _system()
    version = ".".join(map(str, sys.version_info[:3]))
    text = _("{version}, {width}-bit, {path}")
    text = text.format(version=version, width=binding.WIDTH, path=sys.executable)
    yield _("ok"), "Python", text
    if sys.platform == "win32":
        yield from _user_and_session()
    try:
        path = binding.find(arguments.dll)
    except binding.LoadError as error:
        # With --python only a warning: the other Python may see other paths.
        text = str(load_error(**error.facts))
        yield _("warning") if arguments.python else _("failed"), "DLL", text
        path = binding.wanted_dll(arguments.dll) if arguments.python else ""
    else:
        yield _("ok"), "DLL", path
        yield from _file(path)
        yield from _folder(os.path.dirname(path))
    if path:
        yield _loads(path, arguments)
    if arguments.url:
        yield _connects(arguments.url)


def _system() -> str:
    if sys.platform != "win32":
        return f"{os.uname().sysname} {os.uname().release}"
    # From Python 3.12 on the platform module asks WMI, which is slow and sometimes
    # absent. The other numbers of getwindowsversion depend on python.exe's manifest.
    return f"Windows {'.'.join(map(str, sys.getwindowsversion().platform_version))}"


def _user_and_session() -> Iterator[Finding]:
    """Report the user's rights, and whether windows can be seen."""
    import ctypes

    windll = ctypes.windll  # type: ignore[attr-defined,unused-ignore]
    elevated = _("elevated (administrator)")
    other = _("not elevated: if the DLL needs it, run the program as administrator")
    yield _("ok"), _("user"), elevated if windll.shell32.IsUserAnAdmin() else other
    session = ctypes.c_ulong()
    windll.kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(session))
    text = _(
        "0, a service's: nobody sees a window of the DLL, run it in the user's session"
    )
    if session.value:
        yield _("ok"), _("session"), str(session.value)
    else:
        yield _("warning"), _("session"), text


def _file(path: str) -> Iterator[Finding]:
    """Check a Windows DLL. The system's loader checks other libraries."""
    try:
        width = binding.dll_width(path)
        if width is None:
            return
        yield _("ok"), _("width"), _("{width}-bit, for Windows").format(width=width)
        version = dll_version(path)
        if version:
            yield _("ok"), _("version"), version
        yield _imports(", ".join(missing_dlls(path, width)))
    except ImportError:
        text = _("version and imports not looked at: pip install nationec[doctor]")
        yield _("warning"), _("imports"), text
    except OSError as error:
        wrong = error.filename or path  # the DLL, or one that it needs
        text = str(load_error("not-a-library", wrong, detail=type(error).__name__))
        yield _("failed"), _("imports"), text


def _imports(missing_names: str) -> Finding:
    if not missing_names:
        return _("ok"), _("imports"), _("all there")
    if binding.SYSTEM == "Windows":
        text = _(
            "{names} not found: put what came with the DLL into its folder, "
            "and install the Visual C++ runtime"
        )
        return _("failed"), _("imports"), text.format(names=missing_names)
    text = _("{names} not beside the DLL: see that the Windows it runs on has them")
    return _("warning"), _("imports"), text.format(names=missing_names)


def _folder(folder: str) -> Iterator[Finding]:
    """Check whether the DLL may write into its folder, and where it keeps its log."""
    # Not tempfile: where Windows denies access, it tries two thousand million names.
    probe = os.path.join(folder, f"nationec-{os.getpid()}.tmp")
    try:
        open(probe, "wb").close()
        os.remove(probe)
        yield _("ok"), _("folder"), _("can be written to")
    except OSError:
        text = _(
            "cannot be written to: the DLL keeps its settings and log there, "
            "let this user write to {folder}"
        )
        yield _("warning"), _("folder"), text.format(folder=folder)
    log = os.path.join(folder, "dlllog(Nation)")
    text = log if os.path.isdir(log) else _("no dlllog(Nation) yet: the DLL writes it")
    yield _("ok"), _("log"), text


def _loads(path: str, arguments: Namespace) -> Finding:
    python, limit = arguments.python, arguments.timeout
    try:
        with IsolatedDll(path, python=python, start_timeout=limit) as isolated:
            isolated.start()
    except (DllLoadError, ValueError) as error:
        return _("failed"), _("loads"), str(error)
    return _("ok"), _("loads"), _("in {python}").format(python=python or sys.executable)


def _connects(url: str) -> Finding:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        usual_port = {"http": 80, "https": 443}[parts.scheme]
        port = parts.port or usual_port
    except (ValueError, KeyError):
        host = ""
    if not host:
        return _("failed"), "url", _("no address: give it as http://HOST:PORT/PATH")
    status, text, kind = _("ok"), _("{host} port {port} accepts a connection"), ""
    try:
        socket.create_connection((host, port), timeout=3).close()
    except (OSError, UnicodeError) as error:
        # UnicodeError: a label of the host name is longer than 63 characters.
        status, kind = _("failed"), type(error).__name__
        text = _(
            "{host} port {port} does not accept a connection: "
            "check address, network and firewall ({kind})"
        )
    return status, "url", text.format(host=host, port=port, kind=kind)
