"""pytest fixtures for the tests of your own code.

pytest loads every plugin that is installed, for every test run: nothing that takes time, pydantic for one, is imported
here until a test asks for a fixture.
"""

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from .public import Client, Simulator


@pytest.fixture
def nationec_simulator() -> "Iterator[Simulator]":
    """A ``Simulator`` with a deadline of one second: ``answer`` tells it what to say, ``requests`` is what it got."""
    from .public import Simulator

    simulator = Simulator(timeout=1.0)
    yield simulator
    simulator.close()


@pytest.fixture
def nationec_client(nationec_simulator: "Simulator") -> "Iterator[Client]":
    """A ``Client`` of ``nationec_simulator``."""
    from .public import Client

    with Client("http://simulator", "35020319001", transport=nationec_simulator) as client:
        yield client
