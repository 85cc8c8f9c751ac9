"""``nationec doctor``: what to look at when it does not work, in the order in which it can go wrong."""

import os
import socket
import sys
from typing import Iterator, NamedTuple, Optional
from urllib.parse import urlsplit

from . import pe
from .errors import DllLoadError
from .transports import DllTransport, IsolatedDll, binding

OK, WARNING, FAILED = "ok", "warning", "failed"


class Finding(NamedTuple):
    """A line of the report. The text of what is not ``ok`` ends with the next step."""

    check: str
    status: str
    text: str


def examine(dll: Optional[str] = None, url: Optional[str] = None, python: Optional[str] = None) -> Iterator[Finding]:
    """Look at everything. A call could work where nothing has failed.

    With ``python``, the command of the interpreter for ``IsolatedDll``, the DLL is loaded there and not here.
    """
    yield _system(python)
    yield Finding("Python", OK, f"{'.'.join(map(str, sys.version_info[:3]))}, {binding.WIDTH}-bit, {sys.executable}")
    path = None
    try:
        path = binding.find(dll)
        yield Finding("DLL", OK, path)
    except binding.LoadError as error:  # the other Python may see other paths than this one
        yield Finding("DLL", WARNING if python else FAILED, error.args[2])
    if path:
        yield _width(path, python)
        yield from _tables(path)
    if python:
        yield _loads_isolated(path or dll, python)
    elif path:
        yield _loads(path)
    if url:
        yield _connects(url)


def _system(python: Optional[str]) -> Finding:
    if os.name == "nt":
        # platform.* asks WMI from Python 3.12 on, which is slow, and absent on some systems.
        # Not what Windows tells a program, which depends on what that program's manifest knows of.
        version = sys.getwindowsversion().platform_version  # type: ignore[attr-defined,unused-ignore]
        return Finding("system", OK, f"Windows {'.'.join(map(str, version))}")
    system = os.uname()
    text = f"{system.sysname} {system.release}"
    if python:
        return Finding("system", OK, text)
    return Finding("system", WARNING, f"{text}: NationECCode.dll is for Windows; run it with --python and Wine")


def _width(path: str, python: Optional[str]) -> Finding:
    try:
        system, width = binding.describe(path)
    except OSError as error:
        return Finding("width", FAILED, f"{path} cannot be read ({error.strerror}): see that this user may read it")
    if not system:
        return Finding("width", FAILED, f"{path} is not a library: install the DLL anew")
    text = f"a {width}-bit library for {system}"
    if python:
        return Finding("width", OK, f"{text}; whether the other Python is one too, loading it shows")
    if (system, width) == (binding.SYSTEM, binding.WIDTH):
        return Finding("width", OK, text)
    return Finding(
        "width",
        FAILED,
        f"{text}, and this Python is a {binding.WIDTH}-bit one on {binding.SYSTEM}: "
        f"give a {width}-bit Python for {system} with --python, and use IsolatedDll with it",
    )


def _tables(path: str) -> Iterator[Finding]:
    try:
        if binding.describe(path)[0] != "Windows":
            return
        exports, _ = pe.tables(path)
        imports = pe.dependencies(path)
    except ImportError:
        yield Finding("tables", WARNING, "exports and imports not looked at: pip install nationec[doctor]")
        return
    except (OSError, ValueError) as error:
        yield Finding("tables", FAILED, f"{error}: install the DLL anew")
        return
    found = [name for name in binding.EXPORTS if name in exports]
    if found:
        yield Finding("exports", OK, ", ".join(found))
    else:
        wanted = ", ".join(binding.EXPORTS)
        yield Finding(
            "exports", FAILED, f"none of {wanted} among {len(exports)}: it is not {binding.DLL_NAME}, give that"
        )
    for name, place in imports.items():
        if place:
            yield Finding("imports", OK, f"{name}: {place}")
        elif os.name == "nt":
            yield Finding("imports", FAILED, f"{name}: not found. Put it beside the DLL, or install what it belongs to")
        else:
            yield Finding("imports", WARNING, f"{name}: not beside the DLL. See that the Windows it runs on has it")


def _loads(path: str) -> Finding:
    try:
        DllTransport(path).close()
    except DllLoadError as error:
        return Finding("loads", FAILED, str(error))
    return Finding("loads", OK, "in this Python")


def _loads_isolated(path: Optional[str], python: str) -> Finding:
    try:
        with IsolatedDll(path or binding.DLL_NAME, python=python) as isolated:
            isolated.start()
    except (DllLoadError, ImportError, ValueError) as error:
        return Finding("loads", FAILED, str(error))
    return Finding("loads", OK, f"in {python}")


def _connects(url: str) -> Finding:
    try:
        parts = urlsplit(url)
        address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if not address[0]:
            raise ValueError("it names no host")
    except ValueError as error:
        return Finding("url", FAILED, f"{url} is not an address ({error}): give it as http://HOST:PORT/PATH")
    try:
        socket.create_connection(address, timeout=3).close()
    except (OSError, UnicodeError) as error:  # no name of the DNS has a label of 64 characters
        where = f"{address[0]} port {address[1]}"
        return Finding(
            "url", FAILED, f"{where} does not accept a connection ({error}): check address, network, firewall"
        )
    return Finding("url", OK, f"{address[0]} port {address[1]} accepts a connection")
