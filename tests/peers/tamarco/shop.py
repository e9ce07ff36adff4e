"""A Tamarco service that asks the example for a price, orders, and waits until that is billed."""
import asyncio
import os

from tamarco.codecs.json import JsonCodec
from tamarco.core.microservice import Microservice, task
from tamarco_amqp.input import AMQPSubscriptionInput
from tamarco_amqp.output import AMQPGenericOutput, AMQPOutput
from tamarco_amqp.resource import AMQPResource


class Shop(Microservice):
    name = "shop"
    billed = AMQPSubscriptionInput(queue="billed", codec=JsonCodec)
    sends = AMQPGenericOutput(codec=JsonCodec)
    asks = AMQPOutput(queue="price", codec=JsonCodec)
    amqp = AMQPResource(inputs=[billed], outputs=[sends, asks])

    @task
    async def reading(self):
        async for order in self.billed:
            print("billed", order["id"], flush=True)
            os._exit(0)

    @task
    async def shopping(self):
        await asyncio.sleep(0.5)
        price = await self.asks.request({"article": "apple", "quantity": 2})
        print("price", price["article"], price["cents"], flush=True)
        await self.sends.push({"id": 7}, queue="orders")


if __name__ == "__main__":
    Shop().run()
