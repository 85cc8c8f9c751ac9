import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# The texts that tests look for are the English ones, also in the processes that they start.
os.environ["NATIONEC_LANG"] = "en"

from nationec import Client, EcQueryRequest, Simulator

NATIVE = Path(__file__).parent / "native"
URL = "http://127.0.0.1:8081/localcfc/api/hsecfc/"
WINDOW = {
    "business_type": "01101",
    "operator_id": "008",
    "operator_name": "TEST",
    "office_id": "01",
    "office_name": "内科",
}
"""What every transaction asks of the window."""
INSURED = {"id_no": "1", "id_type": "01", "user_name": "n", "mdtrt_cert_type": "02A"}
"""What the password check asks besides."""
PATIENT = {"idNo": "1", "idType": "01", "userName": "n", "ecToken": "t", "insuOrg": "430000"}
"""The required fields of an answer."""

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


@pytest.fixture(scope="session")
def standin(tmp_path_factory):
    """The C stand-in as a library for this interpreter: compiled, or on Windows handed in."""
    if sys.platform == "win32":
        width = 64 if sys.maxsize > 2**32 else 32
        return Path(os.environ["NATIONEC_TEST_DLLS"]) / f"standin{width}.dll"
    return compiled(NATIVE / "standin.c", tmp_path_factory.mktemp("native") / "standin.so")


def compiled(source, library, *options):
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", library, source, *options]
    subprocess.run(command, check=True)
    return library


@pytest.fixture
def dll(standin):
    """Makes a client of the C stand-in: ``dll("fill=5")`` answers five x (see standin.c)."""
    clients = []

    def make(mode="localQrCodeQuery", **options):
        clients.append(Client(URL + mode, "1234567", dll=standin, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


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
    return EcQueryRequest(**WINDOW, device_type="")
