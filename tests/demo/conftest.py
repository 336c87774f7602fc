"""What tests of the demo share."""

from __future__ import annotations

import pytest

from mintmark.demo.plan import PORTS
from ports import free_ports


@pytest.fixture
def port() -> int:
    return free_ports(len(PORTS))
