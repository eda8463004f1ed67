"""pykka: actors that are threads."""

from typing import Any

from tests.benchmarks.orders import Order, order, total
from tests.benchmarks.rounds import Watch


def pykka(callers: int, each: int) -> float:
    """Ask *each* times *callers* requests at once; seconds."""
    from pykka import ThreadingActor

    class Warehouse(ThreadingActor):  # type: ignore[misc, unused-ignore]
        def on_receive(self, message: Order) -> int:
            return message.amount * message.price

    warehouse: Any = Warehouse.start()
    answers = 0
    with Watch() as watch:
        for number in range(each):
            futures = [warehouse.ask(order(number), block=False) for _ in range(callers)]
            for future in futures:
                answers += future.get(timeout=60)
    warehouse.stop()
    assert answers == callers * total(each)
    return watch.seconds
