"""Clients of asyncio's for echo servers: client.py tcp PORT | unix PATH | udp PORT | tls PORT AUTHORITY
| unix-datagrams PATH OWN. Says "ok"."""

import asyncio
import socket
import ssl
import sys


async def talk(reader, writer, ends_halves):
    for i in range(300):
        line = f"line {i} {'x' * (i * 37 % 5000)}\n".encode()
        writer.write(line)
        await writer.drain()
        assert await reader.readline() == line
    block = bytes(range(256)) * 4000
    writer.write(block)
    assert await reader.readexactly(len(block)) == block
    if ends_halves:
        writer.write_eof()
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.received.put_nowait(data)


async def datagrams(**where):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Client, **where)
    for size in (1, 1000, 1500):
        transport.sendto(b"x" * size)
        assert await asyncio.wait_for(protocol.received.get(), 10) == b"x" * size
    transport.close()


async def main():
    kind, where, *rest = sys.argv[1:]
    if kind == "tcp":
        await talk(*await asyncio.open_connection("127.0.0.1", int(where)), True)
    elif kind == "unix":
        await talk(*await asyncio.open_unix_connection(where), True)
    elif kind == "udp":
        await datagrams(remote_addr=("127.0.0.1", int(where)))
    elif kind == "unix-datagrams":
        await datagrams(remote_addr=where, local_addr=rest[0], family=socket.AF_UNIX)
    elif kind == "tls":
        context = ssl.create_default_context(cafile=rest[0])
        connection = asyncio.open_connection("127.0.0.1", int(where), ssl=context, server_hostname="localhost")
        await talk(*await connection, False)
    print("ok")


asyncio.run(main())
