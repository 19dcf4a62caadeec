"""The library websockets, as it negotiates by default."""
import asyncio
import websockets
from reader import Reader

async def main():
    reader = Reader()
    while not reader.is_done:
        async with websockets.connect(reader.next_url, max_size=None, open_timeout=120) as socket:
            async for text in socket:
                step = reader.read(text)
                if reader.is_done or step == "resume":
                    break
                if step is not None:
                    if step != "":
                        await socket.send(step)
                    await asyncio.sleep(0.3)
    reader.report()

asyncio.run(main())
