"""Messages are frozen values."""

from typing import ClassVar

import attrs
import pytest

from bus import Actor, Delivery, Event, Request, message
from bus.message import HANDLES


@message
class Add(Request[int]):
    topic: ClassVar = "adder"
    left: int
    right: int = 0


@message
class Added(Event):
    subject: ClassVar = "sums.added"
    total: int


def test_a_message_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Add(left=1).left = 2


def test_a_message_takes_no_attribute_that_it_does_not_declare():
    assert not hasattr(Add(left=1), "__dict__")
    assert not hasattr(Added(total=1), "__dict__")


def test_fields_are_given_by_name():
    with pytest.raises(TypeError):
        Add(1, 2)


def test_messages_are_equal_by_value_and_fit_into_sets():
    assert Add(left=1, right=2) == Add(left=1, right=2) != Add(left=2, right=1)
    assert {Add(left=1), Add(left=1)} == {Add(left=1)}


def test_class_variables_are_no_fields():
    assert [field.name for field in attrs.fields(Add)] == ["left", "right"]
    assert repr(Add(left=1)) == "Add(left=1, right=0)"


@pytest.mark.parametrize(
    ("kind", "delivery"), [(Request, Delivery.AT_MOST_ONCE), (Event, Delivery.AT_LEAST_ONCE)], ids=["request", "event"]
)
def test_each_kind_of_message_has_its_promise(kind, delivery):
    assert kind.delivery is delivery


def test_an_asker_waits_a_minute_unless_the_request_says_otherwise():
    assert Request.timeout == 60


def test_one_method_may_handle_several_messages():
    class Tally(Actor):
        @Add.handler
        @Added.handler
        async def count(self, msg):
            pass

    assert getattr(Tally.count, HANDLES) == (Added, Add)
    assert set(Tally.handlers) == {Add, Added}


def test_marking_a_method_leaves_it_callable_as_it_was():
    def method(self, msg):
        return msg.left

    assert Add.handler(method) is method
