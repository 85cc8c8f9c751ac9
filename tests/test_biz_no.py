"""The numbers of §4.2.3, by the real clock; and by one that can be set."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from importlib.util import find_spec, module_from_spec

import pytest

from nationec import new_out_biz_no

PER_SECOND = 36**3


class Clock:
    """Stands in for the module's ``datetime`` and ``time``: it moves only when somebody sleeps."""

    min = datetime.min

    def __init__(self):
        self.time = datetime(2026, 1, 31, 12)
        self.slept = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.slept += seconds
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def numbers(clock):
    """Makes so many numbers, with a copy of the module that has given out none and goes by ``clock``."""
    spec = find_spec("nationec.biz_no")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.datetime = module.time = clock
    return lambda count: [module.new_out_biz_no("1") for _ in range(count)]


def test_number_is_the_local_time_three_characters_and_the_organisation():
    before = datetime.now().replace(microsecond=0)
    number = new_out_biz_no("H35020319001")
    time, org_id = re.fullmatch("([0-9]{14})[0-9A-Z]{3}(.*)", number).groups()
    assert before <= datetime.strptime(time, "%Y%m%d%H%M%S") <= datetime.now()
    assert org_id == "H35020319001"


def test_longest_organisation_number_gives_64_characters():
    assert len(new_out_biz_no("9" * 47)) == 64


def test_longer_organisation_number_is_an_error():
    with pytest.raises(ValueError, match="at most 47"):
        new_out_biz_no("9" * 48)


def test_threads_never_share_a_number_and_wait_when_those_of_a_second_are_used_up(clock, numbers):
    threads, each = 9, PER_SECOND // 9
    with ThreadPoolExecutor(threads) as pool:
        made = {number for some in pool.map(numbers, [each] * threads) for number in some}
        assert len(made) == PER_SECOND
        assert {number[:14] for number in made} == {"20260131120000"}
        assert clock.slept == 0
        (after,) = numbers(1)
    assert after.startswith("20260131120001")
    assert clock.slept == pytest.approx(1, abs=0.02)


def test_clock_that_is_set_back_neither_repeats_nor_blocks(clock, numbers):
    made = numbers(1000)
    clock.time -= timedelta(hours=1)
    made += numbers(PER_SECOND)
    clock.time += timedelta(hours=1)
    made += numbers(1000)
    assert len(set(made)) == len(made)
    assert clock.slept == 0
