import io
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

# The texts that tests look for are the English ones, also in the processes that they start.
os.environ["NATIONEC_LANG"] = "en"
os.environ.pop("PYTHONUNBUFFERED", None)  # they buffer stdout, as Python does by default

from nationec import (
    AuthCheckRequest,
    Client,
    EcAuthRequest,
    EcPwdRequest,
    EcQueryRequest,
    NationEcError,
    QrcodeGetRequest,
    Simulator,
)
from nationec.commands import main

WINDOWS = sys.platform == "win32"
WIDTH = 64 if sys.maxsize > 2**32 else 32
OTHER_WIDTH = {32: 64, 64: 32}
NATIVE = Path(__file__).parent / "native"
DLLS = Path(os.environ["NATIONEC_TEST_DLLS"]) if "NATIONEC_TEST_DLLS" in os.environ else None
"""The C stand-ins as Windows DLLs of one width; those of the other are in the folder beside it."""
NO_DLLS = "NATIONEC_TEST_DLLS names no folder with the stand-ins, see tests/windows"
URL = "http://127.0.0.1:8081/localcfc/api/hsecfc/"
COMMON = {
    "business_type": "01101",
    "operator_id": "008",
    "operator_name": "TEST",
    "office_id": "01",
    "office_name": "内科",
}
"""The fields that every request needs."""
ON_WIRE = {to_camel(name): value for name, value in COMMON.items()}
INSURED = {"id_no": "1", "id_type": "01", "user_name": "n", "mdtrt_cert_type": "02A"}
"""More fields, for the password check."""
PATIENT = {"idNo": "1", "idType": "01", "userName": "n", "ecToken": "t", "insuOrg": "430000"}
"""The required fields of an answer."""
QUERY = EcQueryRequest(**COMMON)
SCAN = QrcodeGetRequest(**COMMON, out_biz_no="N1")
FACE = AuthCheckRequest(**COMMON, out_biz_no="N2", auth_no="A1")
PASSWORD = EcPwdRequest(**COMMON, **INSURED, ec_token="T")
FACE_SCREEN = EcAuthRequest(**COMMON, out_biz_no="N3")

on_posix = pytest.mark.skipif(WINDOWS, reason="not on Windows")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="on Linux alone")
on_windows = pytest.mark.skipif(not WINDOWS, reason="on Windows alone")
needs_dlls = pytest.mark.skipif(DLLS is None, reason=NO_DLLS)

# A shell that runs the tests in the background has Ctrl-C ignored, and Python leaves that as it is.
signal.signal(signal.SIGINT, signal.default_int_handler)


def hexed(text, encoding="gb18030"):
    """Bytes or text as the modes of the C stand-in take it."""
    return (text if isinstance(text, bytes) else text.encode(encoding)).hex()


def answer(value, encoding="gb18030"):
    """The mode in which OutData is these bytes, this text, or this value as JSON."""
    if not isinstance(value, (bytes, str)):
        value = json.dumps(value, ensure_ascii=False)
    return "answer=" + hexed(value, encoding)


def arrived(client, request, **options):
    """The bytes that reached the DLL, which echoes them."""
    with pytest.raises(NationEcError) as caught:  # an echo is no answer
        client.call(request, **options)
    return caught.value.exchange.received


def in_threads(count, work):
    """Runs ``work(number)`` in ``count`` threads, and raises the first error."""
    with ThreadPoolExecutor(count) as pool:
        for running in [pool.submit(work, number) for number in range(count)]:
            running.result()


@pytest.fixture(scope="session")
def standin(tmp_path_factory):
    """The C stand-in as a library for this interpreter: compiled, or on Windows handed in."""
    if not WINDOWS:
        return compiled(NATIVE / "standin.c", tmp_path_factory.mktemp("native") / "standin.so")
    if DLLS is None:
        pytest.skip(NO_DLLS)
    return DLLS / f"standin{WIDTH}.dll"


def compiled(source, library, *options):
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", library, source, *options]
    subprocess.run(command, check=True)
    return library


def compiled_with_need(folder):
    """The stand-in as a library that needs another, which it looks for in the current directory."""
    (folder / "needed.c").write_text("int needed(void) { return 1; }")
    (folder / "needs.c").write_text(f'int needed(void);\n#include "{NATIVE}/standin.c"\n')
    compiled(folder / "needed.c", folder / "libneeded.so")
    options = ["-Wl,--no-as-needed", f"-L{folder}", "-lneeded", "-Wl,-rpath,./"]
    return compiled(folder / "needs.c", folder / "needs.so", *options)


@pytest.fixture
def client_of(standin):
    """Makes clients of the C stand-in: ``client_of("fill=5")`` has five x (see standin.c)."""
    clients = []

    def make(mode="localQrCodeQuery", **options):
        clients.append(Client(URL + mode, "1234567", dll=standin, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def nationec(monkeypatch, capsys):
    """Runs the command in this process: its exit code, stdout and stderr."""
    for name in ("URL", "ORG_ID", "DLL", "PYTHON", "TIMEOUT"):
        monkeypatch.delenv(f"NATIONEC_{name}", raising=False)

    def nationec(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        return (main(list(map(str, arguments))), *capsys.readouterr())

    return nationec


@pytest.fixture
def simulator():
    return Simulator()


@pytest.fixture
def client(simulator):
    with Client(URL + "localQrCodeQuery", "1234567", transport=simulator) as client:
        yield client


@pytest.fixture
def query():
    """The request of §5.3.5.1."""
    return EcQueryRequest(**COMMON, device_type="")
