"""The library websockets, as it negotiates by default."""
import asyncio, hashlib, json, sys
import websockets

async def main():
    digest, count, first = hashlib.sha256(), 0, None
    async with websockets.connect(sys.argv[1], max_size=None, open_timeout=120) as socket:
        async for text in socket:
            digest.update(text.encode() + b"\n")
            count += 1
            event = json.loads(text)
            first = event["n"] if first is None else first
            if event.get("last"):
                break
            if count % 5000 == 0:
                await asyncio.sleep(0.3)
    print(first, count, digest.hexdigest())

asyncio.run(main())
