"""Journeys over a simulator in plain HTTP, each made once, with every answer kept as it came."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import aiohttp
from yarl import URL

from support.wire_contract import Contract, Exchange


@dataclass
class Recorder:
    """Makes calls and keeps their answers; it knows no system."""

    http: aiohttp.ClientSession
    seen: list[Exchange] = field(default_factory=list)

    async def call(
        self, method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None, expect: str = ""
    ) -> Any:
        """One call; the JSON of the answer, its bytes if it is none. Mappings and lists are sent as JSON."""
        sent = {"Content-Type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
        data = json.dumps(body) if isinstance(body, dict | list) else body
        data = BytesIO(data) if isinstance(data, bytes) else data
        async with self.http.request(method, URL(url, encoded=True), data=data, headers=sent) as answer:
            raw = await answer.read()
            given = _lowered(answer.headers)
            self.seen.append(Exchange(method, url, _lowered(sent), answer.status, given, raw, expect))
            return json.loads(raw) if "json" in answer.headers.get("Content-Type", "") and raw else raw

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return self.seen[-1].status


@dataclass(frozen=True)
class Document:
    """A document that was no answer, such as a notification, with the schema it must fit."""

    what: str
    reference: str
    content: Any


@dataclass
class Taken:
    """What a journey brought: answers, and documents that were none."""

    seen: list[Exchange]
    documents: list[Document]


class Journeys:
    """Journeys by name; each is made at most once, when it is first asked for."""

    def __init__(
        self,
        contract: Contract,
        journeys: Mapping[str, Callable[[], Awaitable[Taken]]],
        beside: Callable[[Exchange], Iterator[str]],
    ) -> None:
        """``beside`` tells what is wrong with an answer that no schema can say."""
        self.contract = contract
        self._journeys = journeys
        self._beside = beside
        self._taken: dict[str, list[str]] = {}

    def problems(self, name: str) -> list[str]:
        """What the answers of a journey break in the contract."""
        if name not in self._taken:
            taken = asyncio.run(_within(self._journeys[name]()))
            found = [problem for one in taken.seen for problem in self.contract.problems(one)]
            found += [f"{one}: {problem}" for one in taken.seen for problem in self._beside(one)]
            for one in taken.documents:
                found += [f"{one.what}: {problem}" for problem in self.contract.document(one.reference, one.content)]
            self._taken[name] = found
        return self._taken[name]

    def unmet(self) -> list[str]:
        """What no answer of any journey has met."""
        for name in self._journeys:
            self.problems(name)
        return self.contract.unmet()


async def _within(journey: Awaitable[Taken]) -> Taken:
    async with asyncio.timeout(20):
        return await journey


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
