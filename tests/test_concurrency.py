"""Many threads and clients on one DLL, and what comes between a call and its end."""

import _thread
import os
import random
import signal
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from nationec import Client, DllTransport, EcQueryRequest, IsolatedDll, NationEcError

from .conftest import COMMON, URL, in_threads, on_posix

CALLS = 20_000 if "NATIONEC_TEST_FULL" in os.environ else 1_000
THREADS = 32
ECHO = (b"http://h/echo", b"{}")
ECHOED = (b"0000", b"{}")


def ask(name):
    return EcQueryRequest(**{**COMMON, "operator_name": name})


@contextmanager
def meanwhile(work):
    """Another thread, which is at ``work``."""
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    yield thread
    thread.join()


@pytest.fixture(autouse=True)
def _often():
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_calls_of_many_threads_are_made_one_at_a_time_whatever_the_dll_does(standin):
    hostile = ["once", "null", "fill=70000", "sleep=1", "return=2d31", "inplace"]
    transports = [DllTransport(standin) for _ in range(2)]

    def work(number):
        order = random.Random(number)
        for n in range(CALLS // THREADS):
            mode, transport = order.choice(hostile), transports[n % 2]
            try:
                Client(URL + mode, "1", transport=transport).call(ask("x"))
            except NationEcError:
                assert mode not in ("once", "sleep=1", "inplace")
            name = f"收款员{number}-{n}"
            assert Client(URL + "once", "1", transport=transport).call(ask(name)).user_name == name

    in_threads(THREADS, work)


@on_posix
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
class TestFork:
    def in_a_child(self, work):
        """Whether ``work`` succeeds in a forked child, within ten seconds."""
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            try:
                os._exit(0 if work() else 1)
            finally:
                os._exit(1)
        return os.waitpid(child, 0)[1] == 0

    def test_a_child_calls_while_the_parent_is_in_a_call(self, client_of):
        slow, fast = client_of("sleep=500"), client_of("echo").transport
        with meanwhile(lambda: slow.call(ask("x"))) as thread:
            assert self.in_a_child(lambda: fast.exchange(*ECHO) == ECHOED)
            assert thread.is_alive()
        assert fast.exchange(*ECHO) == ECHOED

    def test_a_child_has_an_isolated_process_of_its_own(self, standin):
        with IsolatedDll(standin) as isolated:
            isolated.start()
            parents = isolated._process.worker_pid

            def is_parents():
                assert isolated.exchange(*ECHO) == ECHOED
                return isolated._process.worker_pid == parents

            assert self.in_a_child(lambda: not is_parents())
            assert is_parents()


@pytest.mark.parametrize("end", [DllTransport.close, IsolatedDll.stop, IsolatedDll.close])
def test_a_call_under_way_is_finished_after_stop_or_close(standin, end):
    kind = DllTransport if end is DllTransport.close else IsolatedDll
    transport, answers = kind(standin), []
    assert transport.exchange(*ECHO) == ECHOED
    with meanwhile(lambda: answers.append(transport.exchange(b"http://h/sleep=600", b"{}"))):
        end(transport)
    transport.close()
    assert [returned for returned, _ in answers] == [b"0000"]


def test_a_keyboard_interrupt_is_raised_when_the_call_returns(client_of):
    seen = []
    client = client_of("sleep=400", on_exchange=seen.append)
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        client.call(ask("x"))
        time.sleep(1)  # where it comes a moment late
    timer.join()
    assert [exchange.elapsed > 0.3 for exchange in seen] == [True]
    assert client_of("once").call(ask("张三")).user_name == "张三"
