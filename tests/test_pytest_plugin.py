"""The fixtures, in the test run of a user; and what they cost who does not use them."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester):
    """Runs a user's tests with the plugin, which may not be installed."""

    def run(code):
        pytester.makepyfile(code)
        return pytester.runpytest_subprocess("-p", "pytest_nationec")

    return run


def test_a_test_gets_a_client_of_its_own_simulator(run):
    run(
        """
import pytest
from nationec import AnyRequest, BusinessError, DllCrashError

def test_fresh(nationec_client, nationec_simulator):
    assert nationec_client.transport is nationec_simulator
    assert nationec_simulator.timeout == 1
    nationec_simulator.answer("x", crash=True)
    with pytest.raises(DllCrashError):
        nationec_client.call(AnyRequest("x"))

def test_undisturbed(nationec_client, nationec_simulator):
    with pytest.raises(BusinessError):
        nationec_client.call(AnyRequest("x"))
    assert len(nationec_simulator.requests) == 1
"""
    ).assert_outcomes(passed=2)


def test_a_run_that_does_not_use_them_imports_nothing_for_them():
    program = (
        "import pytest, sys; before = set(sys.modules); import pytest_nationec; "
        "print(*set(sys.modules) - before)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", program], encoding="utf-8")
    assert loaded.split() == ["pytest_nationec"]
