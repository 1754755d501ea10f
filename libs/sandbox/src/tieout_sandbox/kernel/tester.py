"""The tester's paths, the same for every simulator."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.kernel.faults import Faults
from tieout_sandbox.kernel.watch import Watch
from tieout_sandbox.kernel.wire import dump


class Tested(Protocol):
    """What these paths need of a simulator."""

    clock: Clock
    switches: dict[str, Any]

    def ledger(self) -> dict[str, Any]:
        """The ground truth."""
        ...


class Tester:
    """Handlers of ``/_sandbox/{requests,faults,clock,ledger,switches}``."""

    def __init__(self, simulator: Tested, faults: Faults, watch: Watch) -> None:
        self._simulator = simulator
        self._faults = faults
        self._watch = watch

    def routes(self) -> list[web.RouteDef]:
        """The paths with their handlers."""
        return [
            web.get("/_sandbox/requests", self.requests),
            web.get("/_sandbox/faults", self.faults),
            web.post("/_sandbox/faults", self.add_faults),
            web.delete("/_sandbox/faults", self.clear_faults),
            web.get("/_sandbox/clock", self.clock),
            web.post("/_sandbox/clock", self.advance),
            web.get("/_sandbox/ledger", self.ledger),
            web.get("/_sandbox/switches", self.switches),
            web.post("/_sandbox/switches", self.turn),
        ]

    async def requests(self, request: web.Request) -> web.Response:
        """Every call seen, in order; ``after`` skips the known ones."""
        after = int(request.query.get("after", "0"))
        return web.json_response([asdict(one) for one in self._watch.seen(after)])

    async def faults(self, _request: web.Request) -> web.Response:
        """The faults asked for, with their hits."""
        return web.json_response(self._faults.listed())

    async def add_faults(self, request: web.Request) -> web.Response:
        """Take one fault or a list of them."""
        orders = await request.json()

        def add() -> None:
            for order in orders if isinstance(orders, list) else [orders]:
                self._faults.add(order)

        return _answer(add, self._faults.listed)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Forget all faults."""
        self._faults.clear()
        return web.json_response([])

    async def clock(self, _request: web.Request) -> web.Response:
        """The simulated time."""
        return web.json_response({"now": self._simulator.clock.now().isoformat()})

    async def advance(self, request: web.Request) -> web.Response:
        """Move the simulated time forward by ``advance`` seconds."""
        wanted = await request.json()

        def move() -> None:
            self._simulator.clock.advance(float(wanted["advance"]))

        return _answer(move, lambda: {"now": self._simulator.clock.now().isoformat()})

    async def ledger(self, _request: web.Request) -> web.Response:
        """The ground truth."""
        return web.Response(text=dump(self._simulator.ledger()), content_type="application/json")

    async def switches(self, _request: web.Request) -> web.Response:
        """The behaviours that differ between installations, as they stand."""
        return web.json_response(self._simulator.switches)

    async def turn(self, request: web.Request) -> web.Response:
        """Turn some switches; an unknown name, or a value that the simulator's mapping refuses, turns none."""
        wanted = await request.json()
        unknown = sorted(set(wanted) - set(self._simulator.switches))
        if unknown:
            known = ", ".join(sorted(self._simulator.switches))
            return web.json_response({"error": f"unknown switches {unknown}; there are: {known}"}, status=400)
        return _answer(lambda: self._simulator.switches.update(wanted), lambda: self._simulator.switches)


def _answer(act: Callable[[], None], tell: Callable[[], object]) -> web.Response:
    """Do what a tester asked; a wrong order is a 400 that says what is wrong with it."""
    try:
        act()
    except KeyError as missing:
        return web.json_response({"error": f"missing {missing}"}, status=400)
    except (ValueError, TypeError) as wrong:
        return web.json_response({"error": str(wrong)}, status=400)
    return web.json_response(tell())
