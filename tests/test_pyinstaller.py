"""A program that PyInstaller makes in one file, without any other option."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from .conftest import URL

HIS = """
import json
import sys

from nationec import Client, DllTransport, EcQueryRequest, IsolatedDll

dll, python, url = sys.argv[1:]
window = dict(business_type="01101", operator_id="8", office_id="1", office_name="内科")
told = []
for transport in (DllTransport(dll), IsolatedDll(dll, python=python)):
    with Client(url, "1", transport=transport) as client:
        told.append(client.call(EcQueryRequest(operator_name="收款员", **window)).user_name)
try:
    EcQueryRequest(operator_name="", **window)
except ValueError as error:
    told.append(error.errors()[0]["msg"])
print(json.dumps(told))
"""


@pytest.mark.skipif(find_spec("PyInstaller") is None, reason="PyInstaller is not installed")
def test_a_program_calls_the_dll_in_process_and_isolated(standin, tmp_path):
    (tmp_path / "his.py").write_text(HIS, "utf-8")
    command = [sys.executable, "-m", "PyInstaller", "--onefile", "his.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    command = [tmp_path / "dist" / "his", standin, sys.executable, f"{URL}localQrCodeQuery"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    fault = "收款员姓名 operator_name: it must not be empty"
    assert json.loads(done.stdout) == ["张三", "张三", fault]
