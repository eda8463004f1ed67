"""A trace has a record a step, and sinks keep it."""

import io
import json
from typing import ClassVar

import attrs
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bus import Actor, Event, JsonSink, MemorySink, Record, Request, StructlogSink, message

records = st.builds(
    Record,
    time=st.floats(allow_nan=False, allow_infinity=False),
    kind=st.text(),
    id=st.integers(0),
    correlation=st.integers(0),
    causation=st.integers(0),
    sender=st.text(),
    receiver=st.text(),
    message=st.text(),
    detail=st.text(),
)


@message
class Outer(Request[int]):
    topic: ClassVar = "front"


@message
class Inner(Request[int]):
    topic: ClassVar = "back"


@message
class Noted(Event):
    subject: ClassVar = "noted"


class Front(Actor):
    @Outer.handler
    async def outer(self, msg):
        await self.bus.publish(Noted())
        return await self.bus.ask(Inner())


class Back(Actor):
    @Inner.handler
    async def inner(self, msg):
        return 1

    @Noted.handler
    async def noted(self, msg):
        pass


async def conversation(bus):
    await bus.start(Back)
    await bus.start(Front)
    await bus.ask(Outer())


def steps(sink, kind):
    return [record for record in sink.records if record.kind == kind]


@given(records)
def test_a_record_is_one_line_of_json_with_all_of_it(record):
    line = record.json()

    assert "\n" not in line
    assert Record(**json.loads(line)) == record
    assert list(json.loads(line)) == [field.name for field in attrs.fields(Record)]


@given(st.lists(records, max_size=4), st.lists(records, max_size=4))
def test_digests_are_equal_for_equal_runs_alone(one, other):
    first, second = MemorySink(), MemorySink()
    for sink, run in ((first, one), (second, other)):
        for record in run:
            sink(record)

    assert (first.digest() == second.digest()) == (one == other)


def test_a_json_sink_writes_what_a_memory_sink_keeps():
    file, kept = io.StringIO(), MemorySink()
    to_file = JsonSink(file)
    for number in range(3):
        record = Record(number / 2, "send", number, number, 0, "", "adder.1", "Add")
        to_file(record)
        kept(record)

    assert [Record(**json.loads(line)) for line in file.getvalue().splitlines()] == kept.records


def test_structlog_gets_the_kind_as_the_event_and_the_rest_as_fields():
    record = Record(1.5, "drop", 7, 3, 2, "a.1", "b.1", "Add", "partition")
    with structlog.testing.capture_logs() as logs:
        StructlogSink()(record)

    fields = attrs.asdict(record)
    assert logs == [{"event": fields.pop("kind"), "log_level": "debug", **fields}]


def test_a_request_leaves_a_record_of_each_step(run):
    sink = MemorySink()
    run(conversation, trace=sink)

    mine = [record.kind for record in sink.records if record.message == "Inner"]
    assert mine == ["send", "deliver", "handle", "done", "reply"]


def test_every_record_knows_its_conversation_and_its_cause(run):
    sink = MemorySink()
    run(conversation, trace=sink)

    outer, noted, inner = steps(sink, "send")
    assert (outer.correlation, outer.causation, outer.sender) == (outer.id, 0, "")
    assert (noted.correlation, noted.causation, noted.sender) == (outer.id, outer.id, "front.1")
    assert (inner.correlation, inner.causation, inner.sender) == (outer.id, outer.id, "front.1")
    assert {record.correlation for record in sink.records if record.id} == {outer.id}


def test_lives_begin_and_end_in_the_trace(run):
    sink = MemorySink()
    run(conversation, trace=sink)

    assert [record.receiver for record in steps(sink, "started")] == ["back.1", "front.1"]
    assert [record.receiver for record in steps(sink, "stopped")] == ["front.1", "back.1"]


def test_a_failure_and_a_dead_letter_say_why(run):
    sink = MemorySink()

    class Broken(Back):
        @Inner.handler
        async def inner(self, msg):
            raise ValueError("no")

    async def program(bus):
        target = await bus.start(Broken, topic="back")
        with pytest.raises(ValueError):
            await bus.ask(Inner())
        await bus.stop(target)
        await bus.tell(Inner())

    run(program, trace=sink)

    assert [record.detail for record in steps(sink, "failed")] == ["ValueError('no')"]
    (dead,) = steps(sink, "dead")
    assert (dead.message, dead.receiver) == ("Inner", "back")
    assert "nobody listens on 'back'" in dead.detail
