"""``nationec doctor``: what to look at, in the order in which it can fail."""

import json
import os
import socket
import sys
import tempfile
from argparse import Namespace
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional
from urllib.parse import urlsplit

from ..errors import DllLoadError, load_error
from ..language import _, cut
from ..transports import binding
from ..transports.isolated import TIMEOUT, IsolatedDll
from ..wire import decode
from .parser import Parser, positive
from .tables import imports, tables

OK, WARNING, FAILED = "ok", "warning", "failed"

# What the real DLL leaves in its folder.
_INI = "NationEcCode.ini"
_LOG = "dlllog(Nation)"


class Finding(NamedTuple):
    """A line of the report. The text of what is not ``ok`` says what to do."""

    check: str
    status: str
    text: str


def add_arguments(parser: Parser, argv: List[str]) -> None:
    """The options, and the same variables as those of ``nationec call``."""
    parser.setting("dll", "PATH", _("the DLL, else it is looked for"))
    parser.setting("url", "URL", _("业务请求地址: does it accept a connection"))
    parser.setting("python", "COMMAND", _("another Python to run the DLL in"))
    told = _("deadline, 60 s unless given")
    parser.setting("timeout", "SECONDS", told, type=positive, default=TIMEOUT)
    parser.options.add_argument("--json", action="store_true", help=_("for programs"))


def run(arguments: Namespace) -> int:
    """Print the report; the exit code is 1 where a call cannot work."""
    findings = []
    for finding in _findings(arguments):
        findings.append(finding)
        if not arguments.json:
            status, check = _padded(finding.status), _padded(finding.check)
            # At once: loading the DLL may take a while.
            print(status, check, finding.text, flush=True)
    if arguments.json:
        told = [finding._asdict() for finding in findings]
        print(json.dumps(told, ensure_ascii=False, indent=2))
    return int(any(finding.status == FAILED for finding in findings))


def _padded(word: str) -> str:
    words = {
        OK: _("ok"),
        WARNING: _("warning"),
        FAILED: _("failed"),
        "system": _("system"),
        "width": _("width"),
        "version": _("version"),
        "exports": _("exports"),
        "imports": _("imports"),
        "folder": _("folder"),
        "settings": _("settings"),
        "log": _("log"),
        "loads": _("loads"),
        "user": _("user"),
        "session": _("session"),
    }
    word = words.get(word, word)
    wide = sum(character > "\u2e7f" for character in word)  # two columns each
    return word.ljust(8 - wide)


def _findings(arguments: Namespace) -> Iterator[Finding]:
    yield _system()
    version = ".".join(map(str, sys.version_info[:3]))
    text = _("{version}, {width}-bit, {path}")
    text = text.format(version=version, width=binding.WIDTH, path=sys.executable)
    yield Finding("Python", OK, text)
    yield from _process()
    try:
        path = binding.find(arguments.dll)
    except binding.LoadError as error:
        # The other Python may see other paths than this one.
        text = str(load_error(error.reason, error.path, **error.facts))
        yield Finding("DLL", WARNING if arguments.python else FAILED, text)
        path = arguments.dll or binding.DLL_NAME if arguments.python else ""
    else:
        yield Finding("DLL", OK, path)
        yield from _file(path)
        yield from _folder(Path(path).parent)
    if path:
        yield _loads(path, arguments)
    if arguments.url:
        yield _connects(arguments.url)


def _system() -> Finding:
    if sys.platform != "win32":
        return Finding("system", OK, f"{os.uname().sysname} {os.uname().release}")
    # platform.* asks WMI from Python 3.12 on, which is slow, and absent on some
    # systems. Not what Windows tells a program, which depends on what that program's
    # manifest knows of.
    version = sys.getwindowsversion().platform_version
    return Finding("system", OK, f"Windows {'.'.join(map(str, version))}")


def _process() -> Iterator[Finding]:
    """Whether a DLL that needs an administrator, or shows a window, can do so."""
    if sys.platform != "win32":
        return
    import ctypes

    text = _("not elevated: if the DLL needs it, run the program as administrator")
    if ctypes.windll.shell32.IsUserAnAdmin():
        text = _("elevated (administrator)")
    yield Finding("user", OK, text)
    session = ctypes.c_ulong()
    kernel32 = ctypes.windll.kernel32
    kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(session))
    if session.value:
        yield Finding("session", OK, str(session.value))
    else:
        text = _(
            "0, a service's: nobody sees a window of the DLL, "
            "run it in the user's session"
        )
        yield Finding("session", WARNING, text)


def _file(path: str) -> Iterator[Finding]:
    """What a Windows DLL says of itself; others are the system loader's to judge."""
    try:
        width = binding.describe(path)
        if width is None:
            return
        yield Finding("width", OK, _("{width}-bit, for Windows").format(width=width))
        yield from _tables(path, width)
    except ImportError:
        text = _(
            "version, exports and imports not looked at: pip install nationec[doctor]"
        )
        yield Finding("imports", WARNING, text)
    except (OSError, ValueError) as error:
        text = str(load_error("not-a-library", path, detail=error))
        yield Finding("exports", FAILED, text)


def _tables(path: str, width: int) -> Iterator[Finding]:
    told = tables(path)
    if told.version:
        yield Finding("version", OK, told.version)
    found = [name for name in binding.EXPORTS if name.encode() in told.exports]
    if found:
        yield Finding("exports", OK, ", ".join(found))
    else:
        text = _(
            "none of {names}: it is another DLL, "
            "give --dll the path of NationECCode.dll"
        )
        names = ", ".join(binding.EXPORTS)
        yield Finding("exports", FAILED, text.format(names=names))
    yield from _imports(os.path.dirname(path), imports(path, width))


def _imports(folder: str, places: Dict[str, Optional[str]]) -> Iterator[Finding]:
    beside = ", ".join(name for name in places if places[name] == folder)
    absent = ", ".join(name for name in places if places[name] is None)
    others = ", ".join(name for name in places if places[name] not in (folder, None))
    if absent and binding.SYSTEM == "Windows":
        text = _(
            "{names} not found: put what came with the DLL into its folder, "
            "and install the Visual C++ runtime"
        )
        yield Finding("imports", FAILED, text.format(names=absent))
    elif absent:
        text = _("{names} not beside the DLL: see that the Windows it runs on has them")
        yield Finding("imports", WARNING, text.format(names=absent))
    if beside:
        yield Finding("imports", OK, _("beside the DLL: {names}").format(names=beside))
    if others:
        yield Finding("imports", OK, _("of Windows: {names}").format(names=others))


def _folder(folder: Path) -> Iterator[Finding]:
    """Whether the DLL may write into its folder, and what it has written there."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
        yield Finding("folder", OK, _("can be written to"))
    except OSError:
        text = _(
            "cannot be written to: the DLL keeps its settings and log there, "
            "let this user write to {folder}"
        )
        yield Finding("folder", WARNING, text.format(folder=folder))
    ini, log = folder / _INI, folder / _LOG
    none = _("no {name} yet: the DLL writes it")
    if ini.is_file():
        yield _settings(ini)
    else:
        yield Finding("settings", OK, none.format(name=_INI))
    text = str(log) if log.is_dir() else none.format(name=_LOG)
    yield Finding("log", OK, text)


def _settings(path: Path) -> Finding:
    """The organisation and the address of the DLL's last call."""
    ini = RawConfigParser(strict=False, allow_no_value=True)
    try:
        raw = path.read_bytes()
        text = decode(raw, "utf-8-sig")
        if text is None:
            text = raw.decode("gb18030", "replace")
        ini.read_string(text)
    except (OSError, Error):
        text = _("{path} cannot be read: ask whoever supports the DLL")
        return Finding("settings", WARNING, text.format(path=path))
    org_id = cut(ini.get("Updater", "orgId", fallback="") or "")
    url = cut(ini.get("Updater", "url", fallback="") or "")
    return Finding("settings", OK, f"{_INI}: orgId={org_id}, url={url}")


def _loads(path: str, arguments: Namespace) -> Finding:
    python, limit = arguments.python, arguments.timeout
    try:
        with IsolatedDll(path, python=python, start_timeout=limit) as isolated:
            isolated.start()
    except (DllLoadError, ValueError) as error:
        return Finding("loads", FAILED, str(error))
    text = _("in {python}").format(python=python or sys.executable)
    return Finding("loads", OK, text)


def _connects(url: str) -> Finding:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        host = None
    if not host:
        return Finding("url", FAILED, _("no address: give it as http://HOST:PORT/PATH"))
    try:
        socket.create_connection((host, port), timeout=3).close()
    except (OSError, UnicodeError) as error:
        # UnicodeError: no name of the DNS has a label of 64 characters.
        text = _(
            "{host} port {port} does not accept a connection: "
            "check address, network and firewall ({detail})"
        )
        return Finding("url", FAILED, text.format(host=host, port=port, detail=error))
    text = _("{host} port {port} accepts a connection")
    return Finding("url", OK, text.format(host=host, port=port))
