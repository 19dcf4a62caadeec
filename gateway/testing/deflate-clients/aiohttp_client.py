"""The library aiohttp, with compression asked for."""
import asyncio
import aiohttp
from reader import Reader

async def main():
    reader = Reader()
    async with aiohttp.ClientSession() as session:
        while not reader.is_done:
            async with session.ws_connect(reader.next_url, compress=15, max_msg_size=0) as socket:
                async for message in socket:
                    step = reader.read(message.data)
                    if reader.is_done or step == "resume":
                        break
                    if step is not None:
                        if step != "":
                            await socket.send_str(step)
                        await asyncio.sleep(0.3)
    reader.report()

asyncio.run(main())
