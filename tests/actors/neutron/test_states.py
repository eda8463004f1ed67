"""A port's status, and what Nova hears of it."""

from itertools import product

from actors.neutron.states import NOVA_EVENTS, Cause, PortStatus, VifType, bound_type, status_after


def test_every_cause_has_an_effect():
    assert {cause: status_after(cause, admin_state_up=True).value for cause in Cause} == {
        Cause.REBOUND: "DOWN",
        Cause.REQUESTED: "BUILD",
        Cause.PROVISIONED: "ACTIVE",
        Cause.UNPLUGGED: "DOWN",
    }


def test_a_port_that_is_administratively_down_is_never_built():
    assert status_after(Cause.REQUESTED, admin_state_up=False) is PortStatus.DOWN


def test_nova_hears_of_ports_that_begin_and_cease_to_work_and_of_nothing_else():
    heard = {
        (old, new): NOVA_EVENTS[old, new].name
        for old, new in product(PortStatus, repeat=2)
        if (old, new) in NOVA_EVENTS
    }
    assert heard == {
        (PortStatus.DOWN, PortStatus.ACTIVE): "network-vif-plugged",
        (PortStatus.BUILD, PortStatus.ACTIVE): "network-vif-plugged",
        (PortStatus.DOWN, PortStatus.ERROR): "network-vif-plugged",
        (PortStatus.BUILD, PortStatus.ERROR): "network-vif-plugged",
        (PortStatus.ACTIVE, PortStatus.DOWN): "network-vif-unplugged",
    }
    assert {event.status for (_, new), event in NOVA_EVENTS.items() if new is PortStatus.ERROR} == {"failed"}


def test_a_port_is_bound_by_an_agent_that_lives_and_knows_its_kind():
    assert bound_type("normal", agent_alive=True) is VifType.OVS
    assert bound_type("normal", agent_alive=False) is VifType.BINDING_FAILED
    assert bound_type("direct", agent_alive=True) is VifType.BINDING_FAILED
