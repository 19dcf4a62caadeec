"""The library aiohttp, with compression asked for."""
import asyncio, hashlib, json, sys
import aiohttp

async def main():
    digest, count, first = hashlib.sha256(), 0, None
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(sys.argv[1], compress=15, max_msg_size=0) as socket:
            async for message in socket:
                digest.update(message.data.encode() + b"\n")
                count += 1
                event = json.loads(message.data)
                first = event["n"] if first is None else first
                if event.get("last"):
                    break
                if count % 5000 == 0:
                    await asyncio.sleep(0.3)
    print(first, count, digest.hexdigest())

asyncio.run(main())
