"""Echo servers of asyncio's: server.py tcp | unix PATH | udp | unix-datagrams PATH | tls CHAIN KEY. Says its
port, and then "ready"."""

import asyncio
import signal
import socket
import ssl
import sys


async def echo(reader, writer):
    while data := await reader.read(10_000):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def main():
    kind, *rest = sys.argv[1:]
    loop = asyncio.get_running_loop()
    port = None
    if kind == "tcp":
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    elif kind == "unix":
        server = await asyncio.start_unix_server(echo, rest[0])
    elif kind == "udp":
        transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
    elif kind == "unix-datagrams":
        await loop.create_datagram_endpoint(Echo, local_addr=rest[0], family=socket.AF_UNIX)
    elif kind == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*rest)
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
    if port is not None:
        print("port", port, flush=True)
    print("ready", flush=True)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()


asyncio.run(main())
