"""Takes so many messages from a queue, acknowledges each after its handler, and says how fast it was."""
import asyncio
import json
import sys
import time

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

port, queue, prefetch, expected = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


async def main():
    # No line for each message.
    broker = RabbitBroker(f'amqp://guest:guest@127.0.0.1:{port}/', logger=None)
    done, begun, count = asyncio.Event(), None, 0

    @broker.subscriber(
        RabbitQueue(queue, durable=True), channel=Channel(prefetch_count=prefetch), ack_policy=AckPolicy.NACK_ON_ERROR
    )
    async def handle(body: bytes):
        nonlocal begun, count
        assert len(body) == 1024
        if begun is None:
            begun = time.perf_counter(), time.process_time()
        count += 1
        if count == expected:
            done.set()

    await broker.start()
    await done.wait()
    took, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(json.dumps({'rate': expected / took, 'cpu': cpu * 1e6 / expected}), flush=True)
    # What is acknowledged last is to be on its way.
    await asyncio.sleep(0.5)
    await broker.stop()


asyncio.run(main())
