"""The numbers of §4.2.3, by the real clock; and by one that can be set."""

import multiprocessing
import re
import time
from datetime import datetime
from types import SimpleNamespace

import pytest

from nationec import biz_no, new_out_biz_no

from .conftest import in_threads, on_posix


@pytest.fixture
def clock(monkeypatch):
    """It moves only when it is told to."""
    clock = SimpleNamespace(now=datetime(2026, 1, 31, 12).timestamp())
    monkeypatch.setattr(time, "time", lambda: clock.now)
    monkeypatch.setattr(biz_no, "_counter", biz_no._Counter())
    return clock


def numbers(count, random=3):
    return [new_out_biz_no("1", random=random) for _ in range(count)]


@pytest.mark.parametrize("random", [1, 3, 8])
def test_number_is_the_local_time_the_characters_and_the_organisation(random):
    before = datetime.now().replace(microsecond=0)
    number = new_out_biz_no("H35020319001", random=random)
    pattern = f"([0-9]{{14}})[0-9A-Z]{{{random}}}(H35020319001)"
    made = datetime.strptime(re.fullmatch(pattern, number).group(1), "%Y%m%d%H%M%S")
    assert 0 <= (made - before).total_seconds() <= 60  # a second that is full borrows from the next


def test_number_of_64_characters_is_the_longest_and_three_are_random_unless_told():
    assert len(new_out_biz_no("9" * 47)) == len(new_out_biz_no("9" * 10, random=40)) == 64
    for org_id, random, told in (
        ("9" * 48, 3, "would have more than 64"),
        ("9" * 10, 41, "would have more than 64"),
        ("1", 0, "at least 1"),
    ):
        with pytest.raises(ValueError, match=told):
            new_out_biz_no(org_id, random=random)


def test_start_is_random():
    assert len({biz_no._Counter().next(3)[14:] for _ in range(5)}) > 1


def test_threads_never_share_a_number_and_borrow_when_those_of_a_second_are_used_up(clock):
    made = []
    in_threads(9, lambda _: made.extend(numbers(36**3 // 9)))
    assert len(set(made)) == 36**3
    assert {number[:14] for number in made} == {"20260131120000"}
    assert {number[:14] for number in numbers(100)} == {"20260131120001"}


def test_lengths_that_alternate_and_a_clock_that_is_set_back_neither_repeat_nor_block(clock):
    made = [number for _ in range(100) for random in (1, 2, 3) for number in numbers(1, random)]
    made += numbers(1000, random=2)
    clock.now -= 3600
    made += numbers(36**2, random=2)
    clock.now += 3600
    made += numbers(1000, random=2)
    assert len(set(made)) == len(made)


@on_posix
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_child_starts_anew():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        made = pool.apply(new_out_biz_no, ["1"], {"random": 8})
    assert made[14:] != new_out_biz_no("1", random=8)[14:]
