"""The mailbox between tasks on a Ray cluster and whoever gave them their jobs.

It is an actor: tasks put letters in, and wait for answers; nobody needs the other's address.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Letter", "Mailbox"]

#: A kind, the key of a job's attempt, and what it is about.
Letter = tuple[str, str, Any]

#: Letters on the way; who wants to send another waits, so that memory stays bounded.
_MOST_LETTERS = 8


class Mailbox:
    """Letters in the order in which they came, and an answer for those who wait for one."""

    def __init__(self) -> None:
        self._letters: asyncio.Queue[Letter] = asyncio.Queue(_MOST_LETTERS)
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._stopping = False

    async def send(self, letter: Letter) -> None:
        """Put a letter in, once there is room for it."""
        await self._letters.put(letter)

    async def ask(self, letter: Letter) -> Any:
        """Put a letter in and wait for its answer; a job asks one thing at a time."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[letter[1]] = answer
        await self._letters.put(letter)
        return await answer

    async def answer(self, key: str, content: Any) -> None:
        """Answer what the job's attempt asked."""
        waiting = self._answers.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)

    async def take(self, seconds: float) -> list[Letter]:
        """All letters that are there; wait for so long where there are none."""
        letters: list[Letter] = []
        try:
            letters.append(await asyncio.wait_for(self._letters.get(), seconds))
        except TimeoutError:
            return letters
        while not self._letters.empty():
            letters.append(self._letters.get_nowait())
        return letters

    async def stop(self) -> None:
        """From now on everybody is to save what he has, and end."""
        self._stopping = True

    async def stopping(self) -> bool:
        """Whether everybody is to end."""
        return self._stopping
