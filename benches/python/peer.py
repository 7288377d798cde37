"""Python's side of the comparison: what `compare --child asyncio|uvloop CASE 1 MS` runs.

The same work as in ../src/cases and ../src/sync_cases, as a user of asyncio would write it. It prints the same figures
under the same names, a line each. With --list it prints the names of its cases.
"""

import asyncio
import sys
import time

ROUNDS = 1000


async def nothing():
    pass


async def spawn_many_local():
    left = 10_000
    ended = asyncio.Event()

    async def task():
        nonlocal left
        left -= 1
        if left == 0:
            ended.set()

    tasks = [asyncio.create_task(task()) for _ in range(left)]
    await ended.wait()
    del tasks


async def chained_spawn():
    ended = asyncio.Event()
    tasks = []

    async def link(left):
        if left == 0:
            ended.set()
        else:
            tasks.append(asyncio.create_task(link(left - 1)))

    tasks.append(asyncio.create_task(link(ROUNDS - 1)))
    await ended.wait()


async def spawn_await_one():
    for _ in range(ROUNDS):
        await asyncio.create_task(nothing())


async def gather_1000():
    async def child(index):
        return index

    await asyncio.gather(*(child(index) for index in range(ROUNDS)))


async def fib():
    async def number(n):
        if n < 2:
            return n
        left = asyncio.create_task(number(n - 1))
        right = asyncio.create_task(number(n - 2))
        return await left + await right

    await asyncio.create_task(number(18))


async def yield_many():
    async def task():
        for _ in range(ROUNDS):
            await asyncio.sleep(0)

    await asyncio.gather(*(task() for _ in range(200)))


async def ping_pong():
    loop = asyncio.get_running_loop()

    async def pair():
        ping, pong = loop.create_future(), loop.create_future()

        async def other():
            await ping
            pong.set_result(None)

        task = asyncio.create_task(other())
        ping.set_result(None)
        await pong
        await task

    await asyncio.gather(*(pair() for _ in range(ROUNDS)))


async def timer_churn():
    loop = asyncio.get_running_loop()
    for _ in range(1024):
        loop.call_later(10, print).cancel()


async def sleep_many():
    # A tenth of the sleeps of the others: 100,000 take four seconds.
    await asyncio.gather(*(asyncio.sleep((1 + index * 37 % 100) / 1000) for index in range(10_000)))


async def lock_uncontended():
    lock = asyncio.Lock()
    number = 0
    for _ in range(ROUNDS):
        async with lock:
            number += 1


async def eight(between):
    lock = asyncio.Lock()

    async def task():
        for _ in range(ROUNDS):
            async with lock:
                await between()

    await asyncio.gather(*(task() for _ in range(8)))


async def lock_contended():
    await eight(nothing)


async def lock_hand_over():
    await eight(lambda: asyncio.sleep(0))


async def semaphore():
    permits = asyncio.Semaphore(4)

    async def task():
        for _ in range(ROUNDS):
            async with permits:
                await asyncio.sleep(0)

    await asyncio.gather(*(task() for _ in range(8)))


async def oneshot():
    loop = asyncio.get_running_loop()
    for value in range(ROUNDS):
        future = loop.create_future()
        future.set_result(value)
        assert await future == value


async def transfer(producers):
    queue = asyncio.Queue(128)

    async def produce():
        for value in range(8000 // producers):
            await queue.put(value)

    tasks = [asyncio.create_task(produce()) for _ in range(producers)]
    for _ in range(8000):
        await queue.get()
    await asyncio.gather(*tasks)


async def mpsc_1():
    await transfer(1)


async def mpsc_8():
    await transfer(8)


# The case, and how many operations it counts as.
CASES = {
    "spawn_many_local": (spawn_many_local, 10_000),
    "chained_spawn": (chained_spawn, ROUNDS),
    "spawn_await_one": (spawn_await_one, ROUNDS),
    "gather_1000": (gather_1000, ROUNDS),
    "fib": (fib, 8361),
    "yield_many": (yield_many, 200 * ROUNDS),
    "ping_pong": (ping_pong, ROUNDS),
    "timer_churn": (timer_churn, 1024),
    "sleep_many": (sleep_many, 10_000),
    "lock_uncontended": (lock_uncontended, ROUNDS),
    "lock_contended": (lock_contended, 8 * ROUNDS),
    "lock_hand_over": (lock_hand_over, 8 * ROUNDS),
    "semaphore": (semaphore, 8 * ROUNDS),
    "oneshot": (oneshot, ROUNDS),
    "mpsc_1": (mpsc_1, 8000),
    "mpsc_8": (mpsc_8, 8000),
}


async def measure(case, operations, budget):
    start = time.perf_counter()
    await case()
    first = time.perf_counter() - start
    # The first one pays for caches; there is one more at least.
    count = max(1, int(budget / first))
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        await case()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print("wall", wall * 1e9 / count / operations)
    print("cpu", cpu * 1e9 / count / operations)


def main():
    if sys.argv[1:] == ["--list"]:
        print(*CASES, sep="\n")
        return
    loop, name, _, budget = sys.argv[1:]
    if loop == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(measure(*CASES[name], int(budget) / 1000))


main()
