"""A TLS proxy before an API server that holds every request back for a time, as a distant one does, and counts them. HTTP/1.1;
one connection upstream for each of the client's."""
import asyncio
import collections
import ssl
import subprocess
import threading
import time
from urllib.parse import urlsplit


class DelayingProxy:
    """Runs in a thread of its own between `with` and its end. `requests`: "METHOD path" of each; `watches`: path -> most at
    one time; `first`, `last`: when the first request came and the last one was answered (time.monotonic())."""

    def __init__(self, upstream, context, seconds, folder):
        self.upstream, self.context, self.seconds, self.folder = urlsplit(upstream), context, seconds, folder
        self.requests, self.watches, self._watching = [], collections.Counter(), collections.Counter()
        self.port, self._ready, self._loop = 0, threading.Event(), asyncio.new_event_loop()

    def __enter__(self):
        self.certificate, key = f"{self.folder}/proxy.crt", f"{self.folder}/proxy.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=proxy", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True)
        self._server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_context.load_cert_chain(self.certificate, key)
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    async def _serve(self):
        self._done = asyncio.Event()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=self._server_context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _client(self, reader, writer):
        up_writer = None
        try:
            up_reader, up_writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port, ssl=self.context)
            while head := await self._head(reader):
                await self._one(head, reader, writer, up_reader, up_writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one of the two went
        finally:
            for one in (writer, up_writer):
                if one:
                    one.close()

    async def _one(self, head, reader, writer, up_reader, up_writer):
        method, target = head[0].split(" ")[:2]
        path, _, query = target.partition("?")
        self.requests.append((method, path, query, time.monotonic()))
        body = await reader.readexactly(int(header(head, "content-length") or 0))
        await asyncio.sleep(self.seconds)
        up_writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await up_writer.drain()
        watch = "watch=" in query
        if watch:
            self._watching[path] += 1
            self.watches[path] = max(self.watches[path], self._watching[path])
        try:
            await self._answer(up_reader, writer)
        finally:
            self._watching[path] -= watch

    async def _answer(self, up_reader, writer):
        head = await self._head(up_reader)
        writer.write("\r\n".join([*head, "", ""]).encode())
        if (header(head, "transfer-encoding") or "") == "chunked":
            size = 1
            while size:
                line = await up_reader.readline()
                size = int(line.split(b";")[0], 16)
                writer.write(line + await up_reader.readexactly(size + 2))
                await writer.drain()
        else:
            writer.write(await up_reader.readexactly(int(header(head, "content-length") or 0)))
        await writer.drain()

    @staticmethod
    async def _head(reader):
        """The lines of a head, or [] at the end of the connection."""
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        except asyncio.IncompleteReadError:
            return []


def header(head, name):
    for line in head[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None
