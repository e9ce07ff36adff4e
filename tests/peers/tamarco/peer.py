"""A Tamarco service at the same RabbitMQ: pulls, subscribes, replies, and sends what it is told to."""
import asyncio
import os
import sys

from tamarco.codecs.json import JsonCodec
from tamarco.core.microservice import Microservice, task
from tamarco_amqp.input import AMQPPullInput, AMQPRequestInput, AMQPSubscriptionInput
from tamarco_amqp.output import AMQPGenericOutput, AMQPOutput
from tamarco_amqp.resource import AMQPResource


def say(*words):
    print(*words, flush=True)


class Peer(Microservice):
    name = "peer"
    pulls = AMQPPullInput(queue="theirs", codec=JsonCodec)
    news = AMQPSubscriptionInput(queue="news", codec=JsonCodec)
    doubles = AMQPRequestInput(queue="theirs_double", codec=JsonCodec)
    sends = AMQPGenericOutput(codec=JsonCodec)
    asks = AMQPOutput(queue="double", codec=JsonCodec)
    amqp = AMQPResource(inputs=[pulls, news, doubles], outputs=[sends, asks])

    @task
    async def pulling(self):
        async for message in self.pulls:
            say("pulled", message["id"])

    @task
    async def reading(self):
        async for message in self.news:
            say("read", message["id"])

    @task
    async def replying(self):
        async for message, response in self.doubles:
            await response.send_response(message["id"] * 2)

    @task
    async def sending(self):
        await asyncio.sleep(0.5)
        say("ready")
        while True:
            line = await self.loop.run_in_executor(None, sys.stdin.readline)
            if not line:
                os._exit(0)
            what, number = line.split()
            if what == "push":
                await self.sends.push({"id": int(number)}, queue="jobs")
            elif what == "publish":
                await self.sends.publish({"id": int(number)}, queue="news")
            elif what == "ask":
                say("answered", await self.asks.request({"id": int(number)}))
            say("done", what, number)


if __name__ == "__main__":
    Peer().run()
