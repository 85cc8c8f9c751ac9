import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nationec import Client, EcQueryRequest, Simulator

NATIVE = Path(__file__).parent / "native"
URL = "http://127.0.0.1:8081/localcfc/api/hsecfc/"

# A shell that runs the tests in the background has Ctrl-C ignored, and Python leaves that as it is.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def standin(tmp_path_factory):
    """The C stand-in as a library for this interpreter: compiled here, or on Windows handed in."""
    if sys.platform == "win32":
        return Path(os.environ["NATIONEC_TEST_DLLS"]) / f"standin{64 if sys.maxsize > 2**32 else 32}.dll"
    return compiled(NATIVE / "standin.c", tmp_path_factory.mktemp("native") / "standin.so")


def compiled(source, library, *options):
    subprocess.run(
        [
            os.environ.get("CC") or shutil.which("cc") or "gcc",
            "-O1",
            "-shared",
            "-fPIC",
            "-o",
            library,
            source,
            *options,
        ],
        check=True,
    )
    return library


@pytest.fixture
def dll(standin):
    """Makes a client of the C stand-in: ``dll("fill=5")`` is one that answers five x (see standin.c)."""
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
    return EcQueryRequest(
        business_type="01101",
        operator_id="008",
        operator_name="TEST",
        office_id="01",
        office_name="内科",
        device_type="",
    )
