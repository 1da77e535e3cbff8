"""Shipped tickets that take longer to train again."""

import pytest

from tests.tickets.test_preset_tickets import SLOW, check


@pytest.mark.parametrize("name", SLOW)
def test_a_shipped_ticket_reaches_its_value_again(name):
    check(name)
