"""The client against a gateway over TLS, behind a proxy that cuts connections. The environment says where they are."""

import asyncio
import json
import os
import tempfile
import unittest
import urllib.request
from pathlib import Path

from firehose_client import Delivery, Event, FileCursor, Firehose, FirehoseError, Login

LOGIN = Login("admin", "adminpassword", "admin")


def client(**options: object) -> Firehose:
    settings: dict[str, object] = {"login": LOGIN, "ca": os.environ["FIREHOSE_CA"], **options}
    return Firehose(os.environ["FIREHOSE_URL"], **settings)  # type: ignore[arg-type]


def number(item: Event | Delivery) -> int:
    n = item.event.get("n")
    assert isinstance(n, int)
    return n


def ask(url: str, body: bytes = b"") -> bytes:
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {os.environ['INGEST_TOKEN']}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def produce(first: int, behind: int) -> None:
    lines = [
        json.dumps(
            {
                "Event-Name": "DTMF",
                "Call-ID": f"call-{n % 20}",
                "n": n,
                "Custom-Channel-Vars": {"Account-ID": "account_id_1"},
            }
        )
        for n in range(first, behind)
    ]
    answer = json.loads(ask(os.environ["INGEST_URL"], "\n".join(lines).encode()))
    assert answer["accepted"] == behind - first, answer


class AgainstAGateway(unittest.IsolatedAsyncioTestCase):
    async def test_k2_nothing_is_lost_over_many_cuts_and_each_event_is_given_once(self) -> None:
        events, step = 1_000, 50
        seen: list[int] = []
        produced = 0
        with tempfile.TemporaryDirectory() as folder:
            async with client() as firehose:
                stream = firehose.stream(cursor_store=FileCursor(Path(folder, "cursor")), start="-1s")
                while len(seen) < events:
                    if produced < events and produced - len(seen) < 200:
                        await asyncio.to_thread(produce, produced, produced + step)
                        produced += step
                        await asyncio.to_thread(ask, os.environ["CUT_URL"])
                    item = await anext(stream)
                    assert isinstance(item, Event), item
                    if number(item) < events:
                        seen.append(number(item))
        self.assertEqual(len(set(seen)), events)
        for call in range(20):
            of_call = [n for n in seen if n % 20 == call]
            self.assertEqual(of_call, sorted(of_call))

    async def test_l4_another_process_continues_from_the_file(self) -> None:
        seen: list[int] = []
        with tempfile.TemporaryDirectory() as folder:
            store = FileCursor(Path(folder, "cursor"))
            for first in (100_000, 100_100):
                await asyncio.to_thread(produce, first, first + 100)
                async with client() as firehose:
                    async for item in firehose.stream(cursor_store=store, start="-1m"):
                        assert isinstance(item, Event)
                        if 100_000 <= number(item) < 100_200:
                            seen.append(number(item))
                        if len(set(seen)) == first + 100 - 100_000:
                            break
        self.assertEqual(set(seen), set(range(100_000, 100_200)))
        self.assertLessEqual(len(seen), 201)

    async def test_a_replay_ends_and_a_filter_filters(self) -> None:
        await asyncio.to_thread(produce, 200_000, 200_010)
        async with client(events=["DTMF"]) as firehose:
            items = [item async for item in firehose.stream(start="-10m", end="-0s")]
        self.assertGreaterEqual(len(items), 10)

    async def test_a_group_gives_each_event_until_it_is_acknowledged(self) -> None:
        handled: set[int] = set()
        refused: set[int] = set()
        async with client() as firehose:
            group = firehose.group("default", concurrency=4)
            first = asyncio.ensure_future(anext(group))
            # The group begins with what comes after it was made.
            produced = 300_000
            while not first.done():
                await asyncio.to_thread(produce, produced, produced + 20)
                produced += 20
                await asyncio.wait([first], timeout=0.5)
            delivery = await first
            while True:
                assert isinstance(delivery, Delivery)
                n = number(delivery)
                if n % 7 == 0 and n not in refused:
                    refused.add(n)
                    await delivery.nack(0)
                else:
                    handled.add(n)
                    await delivery.ack()
                if len(handled) >= 18 and refused <= handled:
                    break
                delivery = await anext(group)
        self.assertTrue(refused)

    async def test_l3_a_wrong_password_stops(self) -> None:
        async with client(login=Login("admin", "wrong", "admin")) as firehose:
            with self.assertRaises(FirehoseError) as raised:
                await anext(firehose.stream())
        self.assertEqual((raised.exception.code, raised.exception.status), ("login_refused", 401))

    async def test_l3_a_wrong_filter_stops(self) -> None:
        async with client(events=["CHANNEL_ANSWERED"]) as firehose:
            with self.assertRaises(FirehoseError) as raised:
                await anext(firehose.stream())
        self.assertEqual((raised.exception.code, raised.exception.status), ("refused", 400))

    async def test_an_untrusted_certificate_is_named(self) -> None:
        async with client(ca=None) as firehose:
            with self.assertRaises(FirehoseError) as raised:
                await anext(firehose.stream())
        self.assertEqual(raised.exception.code, "untrusted_certificate")

    async def test_l11_leaving_the_block_ends_the_connection_within_a_second(self) -> None:
        loop = asyncio.get_running_loop()
        async with client() as firehose:
            waiting = asyncio.ensure_future(anext(firehose.stream()))
            await asyncio.wait([waiting], timeout=0.5)
            begun = loop.time()
        self.assertLess(loop.time() - begun, 1.0)
        waiting.cancel()


if __name__ == "__main__":
    unittest.main()
