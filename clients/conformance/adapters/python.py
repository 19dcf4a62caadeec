"""The adapter of the Python client: orders on the standard input, reports of what its caller sees on the standard output."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from firehose_client import Change, Delivery, Event, FileCursor, Firehose, FirehoseError, Gap, LiveCalls, Login

Order = dict[str, Any]


def say(**said: Any) -> None:
    print(json.dumps(said), flush=True)


class Adapter:
    def __init__(self) -> None:
        self.deliveries: dict[str, Delivery] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.pause_at: int | None = None
        self.calls: LiveCalls | None = None
        self.running: asyncio.Task[None] | None = None

    async def handled(self, n: object) -> None:
        """The handler of an item: it does not finish while the gate is closed."""
        if self.pause_at is not None and n == self.pause_at:
            self.gate.clear()
        await self.gate.wait()

    async def run(self, order: Order) -> None:
        login = Login(order["login"]["username"], order["login"]["password"], order["login"]["domain"])
        log = lambda line: print(line, file=sys.stderr)  # noqa: E731
        try:
            async with Firehose(order["url"], login, events=order.get("events"), ca=order["ca"], log=log) as firehose:
                await getattr(self, f"run_{order['mode']}")(firehose, order)
            say(**{"is": "end"})
        except FirehoseError as error:
            say(
                **{
                    "is": "error",
                    "code": error.code,
                    "reason": error.reason,
                    "status": error.status,
                    "message": str(error),
                }
            )
        except asyncio.CancelledError:
            say(**{"is": "end"})

    async def run_stream(self, firehose: Firehose, order: Order) -> None:
        store = FileCursor(order["cursor_file"]) if "cursor_file" in order else None
        options = {"start": order.get("from"), "end": order.get("to"), "on_gap": order.get("on_gap", "clamp")}
        async for item in firehose.stream(cursor_store=store, **options):
            if isinstance(item, Event):
                say(**{"is": "event", "id": item.id, "account": item.account, "event": item.event})
                await self.handled(item.event.get("n"))
            elif isinstance(item, Gap):
                say(**{"is": "gap", "reason": item.reason})

    async def run_group(self, firehose: Firehose, order: Order) -> None:
        progress = order.get("progress_ms", 15_000) / 1_000
        async for item in firehose.group(order["group"], concurrency=order.get("concurrency", 1), progress=progress):
            if isinstance(item, Gap):
                say(**{"is": "gap", "reason": item.reason})
                continue
            self.deliveries[item.id] = item
            say(**{"is": "delivery", "id": item.id, "attempt": item.attempt, "event": item.event})

    async def run_calls(self, firehose: Firehose, order: Order) -> None:
        self.calls = firehose.calls()
        async for change in self.calls:
            if isinstance(change, Gap):
                say(**{"is": "gap", "reason": change.reason})
            elif change.kind == "snapshot":
                say(**{"is": "snapshot", "reason": change.reason, "calls": list(self.calls.values())})
            elif isinstance(change, Change):
                say(**{"is": "change", "kind": change.kind, "call": change.call})

    async def take(self, order: Order) -> None:
        what, delivery = order["do"], self.deliveries.get(order.get("id", ""))
        if what == "start":
            self.running = asyncio.create_task(self.run(order))
        elif what == "pause":
            self.gate.clear()
        elif what == "pause_at":
            self.pause_at = order["n"]
        elif what == "resume":
            self.gate.set()
        elif what == "stop" and self.running is not None:
            self.running.cancel()
        elif what == "refresh" and self.calls is not None:
            await self.calls.refresh()
        elif delivery is not None and what == "ack":
            await delivery.ack()
        elif delivery is not None and what == "nack":
            await delivery.nack(order["delay_ms"] / 1_000)
        elif delivery is not None and what == "term":
            await delivery.term(order.get("reason"))


async def main() -> None:
    adapter = Adapter()
    say(**{"is": "adapter", "cannot": []})
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        await adapter.take(json.loads(line))


asyncio.run(main())
