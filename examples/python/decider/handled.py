"""The after-callbacks that were handled: each comes at least once, with one id."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

REMEMBERED = 10_000  # callback ids that are kept; the oldest go first


class Handled:
    """Stands in for a database.

    A real decider stores the id with the effect, under a unique key and in the same
    transaction. This memory ends with the process, and no other process shares it.
    """

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._lock = asyncio.Lock()

    async def once(self, callback_id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Does the work, unless it was done for this id before.

        After an error the next delivery does it again. A call that was made by hand may
        have no id; its work is always done.
        """
        # Held during the work: two deliveries at the same time do it once. With a
        # database no other id would wait.
        async with self._lock:
            if callback_id in self._ids:
                return
            await work()
            if callback_id:
                self._ids[callback_id] = None
                if len(self._ids) > REMEMBERED:
                    self._ids.popitem(last=False)
