"""pytest fixtures for the tests of your own code.

pytest loads every plugin that is installed, for every test run. So this module stands
outside the package, and imports it when a test asks for a fixture: to start pytest
takes no pydantic.
"""

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from nationec import Client, Simulator


@pytest.fixture
def nationec_simulator() -> "Iterator[Simulator]":
    """A ``Simulator`` with a deadline of one second.

    ``answer`` tells it what to say, ``requests`` is what it got.
    """
    from nationec import Simulator

    simulator = Simulator(timeout=1.0)
    yield simulator
    simulator.close()


@pytest.fixture
def nationec_client(nationec_simulator: "Simulator") -> "Iterator[Client]":
    """A ``Client`` of ``nationec_simulator``."""
    from nationec import Client

    with Client(
        "http://simulator", "35020319001", transport=nationec_simulator
    ) as client:
        yield client
