"""Works through the Python client for asyncio, in tasks of one loop."""

import asyncio
import json
import sys

import outlast
from lines import Lines
from outlast.asyncio import from_url
from working import Timed, tell


class Work:
    """The workers of one client."""

    def __init__(self, client, order):
        self._client = client
        self._prefix = order["prefix"]
        self._pause_s = order.get("pause_ms", 5) / 1e3
        self._stopped = False
        self._workers = [asyncio.create_task(self._work(n)) for n in range(order["workers"])]

    async def stop(self):
        self._stopped = True
        await asyncio.gather(*self._workers)

    async def _work(self, worker):
        counter, key = f"{self._prefix}:n:{worker}", f"{self._prefix}:k:{worker}"
        number = 0
        while not self._stopped:
            number += 1
            await self._timed(worker, None, "INCR", counter)
            is_set = await self._timed(worker, None, "SET", key, number)
            await self._timed(worker, number if is_set else None, "GET", key)
            await asyncio.sleep(self._pause_s)

    async def _timed(self, worker, number, *command):
        with Timed((outlast.OutlastError,), worker, number, command) as timed:
            timed.reply = await self._client.execute_command(*command)
        return timed.is_ok


async def main():
    client = work = lines = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        do = order["do"]
        answer = {"answer": do}
        if do == "open":
            lines = Lines()
            client = from_url(order["url"])
            try:
                await client.connect()
                work = Work(client, order)
            except outlast.OutlastError as error:
                answer["error"] = str(error)
        elif do == "status":
            answer["status"] = client.get_status()
        elif do == "stop":
            await work.stop()
        elif do == "close":
            await client.aclose()
            answer["log"] = lines.take()
        tell(answer)


asyncio.run(main())
