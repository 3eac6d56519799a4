"""Each test shows one rule of what is handled once."""

import asyncio
from unittest.mock import AsyncMock

import pytest

from decider.handled import REMEMBERED, Handled


async def test_a_second_delivery_does_nothing() -> None:
    handled, work = Handled(), AsyncMock()
    await handled.once("c1", work)
    await handled.once("c1", work)
    work.assert_awaited_once()


async def test_what_failed_is_done_again() -> None:
    handled, work = Handled(), AsyncMock(side_effect=[KeyError, None])
    with pytest.raises(KeyError):
        await handled.once("c1", work)
    await handled.once("c1", work)
    assert work.await_count == 2


async def test_deliveries_at_the_same_time_do_it_once() -> None:
    handled, work = Handled(), AsyncMock()

    async def slow() -> None:
        await asyncio.sleep(0)
        await work()

    await asyncio.gather(handled.once("c1", slow), handled.once("c1", slow))
    work.assert_awaited_once()


async def test_without_an_id_it_is_always_done() -> None:
    handled, work = Handled(), AsyncMock()
    await handled.once("", work)
    await handled.once("", work)
    assert work.await_count == 2


async def test_the_oldest_id_is_forgotten_first() -> None:
    handled, work = Handled(), AsyncMock()
    for number in range(REMEMBERED + 1):
        await handled.once(str(number), work)
    work.reset_mock()
    await handled.once("1", work)
    work.assert_not_awaited()
    await handled.once("0", work)
    work.assert_awaited_once()
