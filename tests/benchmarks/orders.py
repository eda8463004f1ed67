"""The request that is asked over and over: six typed fields, answered with the product of two of them."""

from typing import ClassVar

from bus import Actor, Request, message


@message
class Order(Request[int]):
    """Buy something, at a price."""

    topic: ClassVar = "warehouse"
    article: str
    colour: str
    amount: int
    price: int
    customer: int
    urgent: bool


class AsyncWarehouse(Actor):
    """Answers in a coroutine, so it could ask others."""

    @Order.handler
    async def order(self, msg: Order) -> int:
        return msg.amount * msg.price


class PlainWarehouse(Actor):
    """Answers in a plain function, which can only compute."""

    @Order.handler
    def order(self, msg: Order) -> int:
        return msg.amount * msg.price


def order(number: int) -> Order:
    """The *number*-th order."""
    return Order(article="lamp", colour="green", amount=2, price=number, customer=7, urgent=False)


def total(orders: int) -> int:
    """The sum of the answers to the first *orders* orders of one caller."""
    return orders * (orders - 1)
