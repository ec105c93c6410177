"""A WebSocket server that says everything back. It takes a free port and prints it."""

import asyncio
import logging

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    # Each broken connection would be told with a backtrace, and breaking them is what the cases are for.
    logging.disable()
    async with serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
