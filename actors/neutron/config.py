"""Neutron's options, with the names and defaults of neutron 29.0.0."""

import re
from typing import Any

import attrs
from attrs.validators import ge, gt, in_, instance_of

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def _check_base_mac(config: "NeutronConfig", attribute: "attrs.Attribute[str]", value: str) -> None:  # noqa: ARG001
    if _MAC.fullmatch(value) is None or int(value[:2], 16) & 1:
        msg = f"'base_mac' must be six pairs of lower-case hexadecimal digits of a unicast address: {value!r}"
        raise ValueError(msg)


def _check_down_time(config: "NeutronConfig", attribute: "attrs.Attribute[Any]", value: float) -> None:  # noqa: ARG001
    if value <= config.report_interval:
        msg = f"'agent_down_time' must be > report_interval ({config.report_interval} s), best twice that: {value}"
        raise ValueError(msg)


def _quota(default: int) -> Any:
    return attrs.field(default=default, validator=[instance_of(int), ge(-1)])


@attrs.frozen(kw_only=True)
class NeutronConfig:
    """The options of the server and its agents. Times are seconds.

    Attributes:
        base_mac: what MAC addresses begin with: three octets, or four if the fourth is not 00.
        global_physnet_mtu: MTU of the network below; VXLAN takes 50 bytes of it.
        report_interval: time between the reports of an agent.
        agent_down_time: after so long without a report an agent is down.
        dhcp_agents_per_network: DHCP agents that serve one network.
        notify_nova_on_port_status_changes: whether Nova hears that ports were plugged and unplugged.
        notify_nova_on_port_data_changes: whether Nova hears that ports were updated and deleted.
        send_events_interval: time between two batches of events to Nova.
        quota_network: networks that a project may have; -1 for any number.
        quota_subnet: subnets, likewise.
        quota_port: ports, likewise.
        quota_security_group: security groups, likewise.
        quota_security_group_rule: rules of all its groups, likewise.
        reservation_expiration_timeout: how long a reservation of quota lives (neutron's `quota.api`, no option there).
        address_window: an address is drawn from so many of the lowest free ones (`MAX_WIN` of neutron's IPAM driver).
        enable_security_group: whether agents filter by security groups, and are told of changes to them.
        polling_interval: time between two attempts of an agent to do what failed.
        wiring_time: from a plugged interface or an update to flows on the host's bridge (no option in neutron).
        dhcp_reload_time: from a port's creation to its line in the DHCP server's hosts file (likewise).
    """

    base_mac: str = attrs.field(default="fa:16:3e:00:00:00", validator=_check_base_mac)
    global_physnet_mtu: int = attrs.field(default=1500, validator=ge(68))
    report_interval: float = attrs.field(default=30, validator=gt(0))
    agent_down_time: float = attrs.field(default=75, validator=_check_down_time)
    dhcp_agents_per_network: int = attrs.field(default=1, validator=ge(1))
    notify_nova_on_port_status_changes: bool = attrs.field(default=True, validator=in_((True, False)))
    notify_nova_on_port_data_changes: bool = attrs.field(default=True, validator=in_((True, False)))
    send_events_interval: float = attrs.field(default=2, validator=ge(0))
    quota_network: int = _quota(100)
    quota_subnet: int = _quota(100)
    quota_port: int = _quota(500)
    quota_security_group: int = _quota(10)
    quota_security_group_rule: int = _quota(100)
    reservation_expiration_timeout: float = attrs.field(default=120, validator=gt(0))
    address_window: int = attrs.field(default=1000, validator=ge(1))
    enable_security_group: bool = attrs.field(default=True, validator=in_((True, False)))
    polling_interval: float = attrs.field(default=2, validator=gt(0))
    wiring_time: float = attrs.field(default=0.5, validator=ge(0))
    dhcp_reload_time: float = attrs.field(default=0.2, validator=ge(0))
