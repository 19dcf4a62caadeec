"""A consumer of replay-server.ts: ``bare PORT`` or ``client PORT``. Prints ``{events, cpuMs}``."""

import asyncio
import json
import sys
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from firehose_client import Firehose, Login


async def bare(port: str) -> int:
    """The least that a consumer without a library does."""
    events = 0
    async with connect(f"ws://127.0.0.1:{port}/", max_size=None) as socket:
        try:
            while True:
                if "id" in json.loads(await socket.recv())["_firehose"]:
                    events += 1
        except ConnectionClosed:
            return events


async def client(port: str) -> int:
    events = 0
    async with Firehose(f"http://127.0.0.1:{port}", Login("a", "b", "c")) as firehose:
        async for _ in firehose.stream():
            events += 1
    return events


begun = time.process_time()
count = asyncio.run((bare if sys.argv[1] == "bare" else client)(sys.argv[2]))
print(json.dumps({"events": count, "cpuMs": (time.process_time() - begun) * 1_000}))
