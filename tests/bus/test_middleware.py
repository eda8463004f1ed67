"""Middleware stands around sending, delivery and handling, and costs nothing where it does not."""

from typing import ClassVar

import anyio
import pytest

from bus import Actor, Event, Middleware, Request, Supervisor, current, message
from bus.errors import ActorKilled


@message
class Pay(Request[int]):
    topic: ClassVar = "bank"
    amount: int = 1


@message
class Paid(Event):
    subject: ClassVar = "paid"


class Bank(Actor):
    topic = "bank"

    def __init__(self, log):
        self.log = log

    @Pay.handler
    async def pay(self, msg):
        self.log.append("handler")
        await self.bus.publish(Paid())
        return msg.amount

    @Paid.handler
    def paid(self, msg):
        self.log.append("event")


class Noting(Middleware):
    def __init__(self, log, name):
        self.log = log
        self.name = name

    def send(self, passage):
        self.log.append(f"{self.name} send {passage.receiver}")

    def deliver(self, passage):
        self.log.append(f"{self.name} deliver {passage.receiver}")

    async def handle(self, passage, proceed):
        self.log.append(f"{self.name} before")
        try:
            return await proceed()
        finally:
            self.log.append(f"{self.name} after")


async def pay_once(bus, log):
    await bus.start(Bank, log)
    answer = await bus.ask(Pay(amount=5))
    await anyio.sleep(0.002)
    return answer


def test_the_first_middleware_is_the_outermost(timed, log):
    assert timed(lambda bus: pay_once(bus, log), middleware=[Noting(log, "one"), Noting(log, "two")]) == 5

    assert log[: log.index("handler") + 1] == [
        "one send bank.1", "two send bank.1",
        "one deliver bank.1", "two deliver bank.1",
        "one before", "two before", "handler",
    ]  # fmt: skip
    assert log[-5:] == ["one before", "two before", "event", "two after", "one after"]


def test_only_the_hooks_that_a_middleware_overrides_are_called(timed, log):
    class Sends(Middleware):
        def send(self, passage):
            log.append(type(passage.message).__name__)

    async def program(bus):
        assert not bus.around_handle
        assert not bus.watched
        return await pay_once(bus, [])

    timed(program, middleware=[Sends()])

    assert log == ["Pay", "Paid"]


def test_a_bus_without_middleware_and_trace_asks_nobody(run):
    async def program(bus):
        assert not bus.around_handle
        assert not bus.watched

    run(program, middleware=[Middleware()])


@pytest.mark.parametrize("hook", ["send", "deliver", "handle"])
def test_each_hook_can_refuse_and_the_asker_learns_why(run, log, hook):
    class Strict(Middleware):
        pass

    def refuse(self, passage, *_):
        raise PermissionError(f"{passage.context} may not")

    async def refuse_around(self, passage, proceed):
        refuse(self, passage)

    setattr(Strict, hook, refuse_around if hook == "handle" else refuse)

    async def program(bus):
        await bus.start(Bank, log)
        with pytest.raises(PermissionError, match="eve may not"):
            await bus.ask(Pay(), context="eve")

    run(program, middleware=[Strict()])

    assert log == []


def test_a_refused_delivery_of_what_nobody_asked_is_a_dead_letter(timed, log):
    class Strict(Middleware):
        def deliver(self, passage):
            if isinstance(passage.message, Pay):
                raise PermissionError("no")

    async def program(bus):
        await bus.start(Bank, log)
        async with bus.listen("bus.dead-letter") as letters:
            await bus.tell(Pay())
            letter = await letters.get()
            assert (letter.message, letter.reason) == (Pay(), "no")

    timed(program, middleware=[Strict()])

    assert log == []


def test_no_message_gets_past_a_middleware_while_its_receiver_is_down(timed, log):
    class Strict(Middleware):
        def deliver(self, passage):
            raise PermissionError("no")

    class Slow(Bank):
        async def started(self):
            await anyio.sleep(0.002)

    async def program(bus):
        target = await Supervisor(bus).start(Slow, log)
        bus.crash(target, ActorKilled("a test"))
        with pytest.raises(PermissionError):
            await bus.ask(Pay())

    timed(program, middleware=[Strict()])

    assert log == []


def test_a_middleware_may_change_the_answer(timed, log):
    class Doubling(Middleware):
        async def handle(self, passage, proceed):
            answer = await proceed()
            return answer * 2 if isinstance(passage.message, Pay) else answer

    assert timed(lambda bus: pay_once(bus, log), middleware=[Doubling(), Doubling()]) == 20


def test_a_middleware_may_turn_an_error_into_an_answer(run, log):
    class Forgiving(Middleware):
        async def handle(self, passage, proceed):
            try:
                return await proceed()
            except ValueError:
                return -1

    class Broken(Bank):
        async def pay(self, msg):
            raise ValueError

    async def program(bus):
        await bus.start(Broken, log)
        return await bus.ask(Pay())

    assert run(program, middleware=[Forgiving()]) == -1


def test_a_passage_says_all_that_travels_with_a_message(timed, log):
    class Noticing(Middleware):
        async def handle(self, passage, proceed):
            assert passage == current()
            log.append(passage)
            return await proceed()

    timed(lambda bus: pay_once(bus, []), middleware=[Noticing()])

    pay, paid = log
    assert (pay.message, pay.id, pay.correlation, pay.causation) == (Pay(amount=5), 1, 1, 0)
    assert (pay.sender, pay.receiver, pay.context, pay.redelivered, pay.monitored) == ("", "bank.1", None, False, False)
    assert (paid.message, paid.id, paid.correlation, paid.causation) == (Paid(), 2, 1, 1)
    assert (paid.sender, paid.receiver) == ("bank.1", "paid")


def test_a_context_goes_along_and_is_not_passed_on_by_itself(timed, log):
    class Noticing(Middleware):
        def deliver(self, passage):
            log.append(passage.context)

    async def program(bus):
        await bus.start(Bank, [])
        await bus.ask(Pay(), context={"token": "t"})
        await anyio.sleep(0.002)

    timed(program, middleware=[Noticing()])

    assert log == [{"token": "t"}, None]
