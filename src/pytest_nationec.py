"""pytest fixtures for the tests of your own code.

pytest imports every installed plugin in every test run. This module is outside the
package, and imports it only when a test uses a fixture, so that starting pytest does
not import pydantic.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nationec import Client, Simulator


@pytest.fixture
def nationec_simulator() -> "Simulator":
    """A ``Simulator`` with a deadline of one second.

    ``answer`` sets its answers, ``requests`` holds what it received.
    """
    from nationec import Simulator

    return Simulator(timeout=1.0)


@pytest.fixture
def nationec_client(nationec_simulator: "Simulator") -> "Client":
    """A ``Client`` that calls ``nationec_simulator``."""
    from nationec import Client

    return Client("http://simulator", "35020319001", transport=nationec_simulator)
