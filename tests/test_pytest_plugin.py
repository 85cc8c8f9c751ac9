"""The fixtures, in the test run of a user who has installed the library; and what they cost who does not use them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
EXAMPLES = [code for code in re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S) if "def test_" in code]
PRELUDE = """
from nationec import *
window = {"operator_id": "test001", "operator_name": "管理员", "office_id": "32760", "office_name": "消化内科"}
"""


@pytest.fixture
def run(pytester):
    """Runs a user's tests in a process of its own; the plugin is named, for where it is not installed."""

    def run(code, *arguments):
        # As bytes: pytester's own helpers write in the console's encoding.
        pytester.path.joinpath("test_his.py").write_bytes(code.encode())
        return pytester.runpytest_subprocess("-p", "nationec.pytest_plugin", *arguments)

    return run


@pytest.mark.parametrize("example", EXAMPLES, ids=["English", "中文"])
def test_the_readmes_tests_pass(run, example):
    run(PRELUDE + example).assert_outcomes(passed=4)


def test_a_test_gets_a_client_of_its_own_simulator(run):
    run(
        """
import pytest
from nationec import DllCrashError, EcQueryRequest

QUERY = EcQueryRequest(business_type="01101", operator_id="1", operator_name="n", office_id="1", office_name="f")

@pytest.mark.parametrize("time", [1, 2])
def test_fresh(nationec_client, nationec_simulator, time):
    assert nationec_client.transport is nationec_simulator
    nationec_simulator.answer("ec.query", crash=True)
    with pytest.raises(DllCrashError):
        nationec_client.call(QUERY)
    assert len(nationec_simulator.requests) == 1

def test_undisturbed(nationec_client):
    assert nationec_client.call(QUERY).user_name == "张三"
"""
    ).assert_outcomes(passed=3)


def test_the_fixtures_say_what_they_are_for(run):
    shown = run("", "--fixtures").stdout.str()
    assert re.search(r"nationec_simulator -- .*\n +A ``Simulator``", shown)
    assert re.search(r"nationec_client -- .*\n +A ``Client``", shown)


def test_a_run_that_does_not_use_them_imports_nothing_for_them(run):
    run(
        """
import sys

def test_loaded():
    assert "nationec.pytest_plugin" in sys.modules
    assert not {"pydantic", "pydantic_core", "execnet", "nationec.client", "nationec.transports"} & set(sys.modules)
"""
    ).assert_outcomes(passed=1)


def test_loading_it_imports_nothing_but_itself_and_pytest():
    loaded = subprocess.run(
        [sys.executable, "-c", "import pytest, sys; before = set(sys.modules); import nationec.pytest_plugin\n"
         "print(*sorted(set(sys.modules) - before))"],
        check=True,
        capture_output=True,
        encoding="utf-8",
    )  # fmt: skip
    assert loaded.stdout.split() == ["nationec", "nationec.pytest_plugin"]
