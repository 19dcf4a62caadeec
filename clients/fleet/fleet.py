"""``fleet.py URL CLIENTS TOKEN``: that many clients, each with a stream. Prints ``token`` when a client asks for its token, ``event`` for each event."""

import asyncio
import sys

from firehose_client import Firehose

url, clients, token = sys.argv[1:]


def ask() -> str:
    # In a thread: a line must be one write.
    sys.stdout.write("token\n")
    sys.stdout.flush()
    return token


async def consume() -> None:
    async with Firehose(url, ask) as firehose:
        async for _ in firehose.stream(start="-5m"):
            sys.stdout.write("event\n")
            sys.stdout.flush()


async def main() -> None:
    await asyncio.gather(*(consume() for _ in range(int(clients))))


asyncio.run(main())
