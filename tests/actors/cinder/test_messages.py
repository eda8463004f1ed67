"""Every message has one handler, and every handler a message."""

import pytest

from actors.calls import ApiRequest, Rpc
from actors.cinder import messages, notifications, rpc
from actors.cinder.service.api import CinderApi
from actors.cinder.service.scheduler import CinderScheduler
from actors.cinder.service.volume import CinderVolume
from bus.message import Event


def of(module, kind) -> set[type]:
    return {
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, kind) and one.__module__ == module.__name__
    }


@pytest.mark.parametrize("actor", [CinderApi, CinderScheduler, CinderVolume])
def test_an_actor_handles_what_its_topic_is_sent(actor):
    sent = {one for one in of(messages, ApiRequest) | of(rpc, Rpc) if one.topic == actor.topic}
    assert set(actor.handlers) == sent


def test_every_notification_has_a_subject_of_its_own():
    subjects = [one.subject for one in of(notifications, Event) if one.subject]
    assert len(set(subjects)) == len(subjects) == 21
