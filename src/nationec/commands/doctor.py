"""``nationec doctor``: check what a call needs, in the order of use."""

import os
import socket
import sys
import tempfile
from argparse import Namespace
from typing import Iterator, Tuple
from urllib.parse import urlsplit

from ..errors import DllLoadError, load_error
from ..language import _
from ..transports import binding
from ..transports.isolated import IsolatedDll
from .imports import dll_version, missing_dlls

OK, WARNING, FAILED = "ok", "warning", "failed"

Finding = Tuple[str, str, str]
"""A line: status, check (one word), and what to do if the status is not ``OK``."""


def run(arguments: Namespace) -> int:
    """Print the report. The exit code is 1 if a call cannot work."""
    words = {OK: _("ok"), WARNING: _("warning"), FAILED: _("failed")}
    exit_code = 0
    for status, check, text in _findings(arguments):
        # Flush each line: loading the DLL may take a while.
        print(_padded(words[status]), _padded(check), text, flush=True)
        if status == FAILED:
            exit_code = 1
    return exit_code


def _padded(word: str) -> str:
    wide = sum(character > "\u2e7f" for character in word)  # two columns each
    return word.ljust(8 - wide)


def _findings(arguments: Namespace) -> Iterator[Finding]:
    yield OK, _("system"), _system()
    version = ".".join(map(str, sys.version_info[:3]))
    text = _("{version}, {width}-bit, {path}")
    text = text.format(version=version, width=binding.WIDTH, path=sys.executable)
    yield OK, "Python", text
    if sys.platform == "win32":
        yield from _user_and_session()
    try:
        path = binding.find(arguments.dll)
    except binding.LoadError as error:
        # With --python only a warning: the other Python may see other paths.
        text = str(load_error(**error.facts))
        yield WARNING if arguments.python else FAILED, "DLL", text
        path = binding.wanted_dll(arguments.dll) if arguments.python else ""
    else:
        yield OK, "DLL", path
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
    yield OK, _("user"), elevated if windll.shell32.IsUserAnAdmin() else other
    session = ctypes.c_ulong()
    windll.kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(session))
    text = _(
        "0, a service's: nobody sees a window of the DLL, run it in the user's session"
    )
    if session.value:
        yield OK, _("session"), str(session.value)
    else:
        yield WARNING, _("session"), text


def _file(path: str) -> Iterator[Finding]:
    """Check a Windows DLL. The system's loader checks other libraries."""
    try:
        width = binding.dll_width(path)
        if width is None:
            return
        yield OK, _("width"), _("{width}-bit, for Windows").format(width=width)
        version = dll_version(path)
        if version:
            yield OK, _("version"), version
        yield _imports(", ".join(missing_dlls(path, width)))
    except ImportError:
        text = _("version and imports not looked at: pip install nationec[doctor]")
        yield WARNING, _("imports"), text
    except (OSError, ValueError) as error:
        text = str(load_error("not-a-library", path, detail=type(error).__name__))
        yield FAILED, _("imports"), text


def _imports(missing_names: str) -> Finding:
    if not missing_names:
        return OK, _("imports"), _("all there")
    if binding.SYSTEM == "Windows":
        text = _(
            "{names} not found: put what came with the DLL into its folder, "
            "and install the Visual C++ runtime"
        )
        return FAILED, _("imports"), text.format(names=missing_names)
    text = _("{names} not beside the DLL: see that the Windows it runs on has them")
    return WARNING, _("imports"), text.format(names=missing_names)


def _folder(folder: str) -> Iterator[Finding]:
    """Check whether the DLL may write into its folder, and where it keeps its log."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
        yield OK, _("folder"), _("can be written to")
    except OSError:
        text = _(
            "cannot be written to: the DLL keeps its settings and log there, "
            "let this user write to {folder}"
        )
        yield WARNING, _("folder"), text.format(folder=folder)
    log = os.path.join(folder, "dlllog(Nation)")
    text = log if os.path.isdir(log) else _("no dlllog(Nation) yet: the DLL writes it")
    yield OK, _("log"), text


def _loads(path: str, arguments: Namespace) -> Finding:
    python, limit = arguments.python, arguments.timeout
    try:
        with IsolatedDll(path, python=python, start_timeout=limit) as isolated:
            isolated.start()
    except (DllLoadError, ValueError) as error:
        return FAILED, _("loads"), str(error)
    return OK, _("loads"), _("in {python}").format(python=python or sys.executable)


def _connects(url: str) -> Finding:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        host = ""
    if not host:
        return FAILED, "url", _("no address: give it as http://HOST:PORT/PATH")
    status, text, kind = OK, _("{host} port {port} accepts a connection"), ""
    try:
        socket.create_connection((host, port), timeout=3).close()
    except (OSError, UnicodeError) as error:
        # UnicodeError: a label of the host name is longer than 63 characters.
        status, kind = FAILED, type(error).__name__
        text = _(
            "{host} port {port} does not accept a connection: "
            "check address, network and firewall ({kind})"
        )
    return status, "url", text.format(host=host, port=port, kind=kind)
