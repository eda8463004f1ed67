"""What a security group's rule may say (pure rules), as in neutron's `db/securitygroups_db.py`."""

from ipaddress import ip_network
from typing import Final

import attrs

from actors.neutron.errors import InvalidInput
from actors.neutron.models import SecurityGroupRule

PROTOCOLS: Final = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2, "ipip": 4, "ipv6-encap": 41,
    "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113,
    "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
"""Names of protocols, and their numbers."""
WITH_PORTS: Final = ("dccp", "sctp", "tcp", "udp", "udplite")
ICMP: Final = (1, 58)
IPV6_ONLY: Final = (41, 43, 44, 58, 59, 60)
VERSIONS: Final = {"IPv4": 4, "IPv6": 6}
ANYWHERE: Final = (None, "0.0.0.0/0", "::/0")

DEFAULT_RULES: Final = (
    ("egress", "IPv4", False),
    ("egress", "IPv6", False),
    ("ingress", "IPv4", True),
    ("ingress", "IPv6", True),
)
"""Direction and ethertype of the rules of a default group, and whether the other side must be in the group as well."""
NEW_RULES: Final = tuple(rule for rule in DEFAULT_RULES if rule[0] == "egress")
"""Those of any other new group."""


def checked(rule: SecurityGroupRule) -> SecurityGroupRule:
    """Check a rule and bring it into its usual form.

    Raises:
        InvalidInput: if its fields make no sense, or not together.
    """
    if rule.direction not in {"ingress", "egress"}:
        raise InvalidInput(f"direction {rule.direction!r}: give 'ingress' or 'egress'")
    if rule.ethertype not in VERSIONS:
        raise InvalidInput(f"security group rule for ethertype {rule.ethertype!r} not supported: give 'IPv4' or 'IPv6'")
    if (rule.port_range_min, rule.port_range_max) == (1, 65535):
        rule = attrs.evolve(rule, port_range_min=None, port_range_max=None)
    number = _number(rule.protocol)
    if number in IPV6_ONLY and rule.ethertype == "IPv4":
        raise InvalidInput(f"invalid ethertype IPv4 for protocol {rule.protocol}")
    _check_ports(rule, number)
    return attrs.evolve(rule, remote_ip_prefix=_checked_remote(rule))


def key(rule: SecurityGroupRule) -> tuple[object, ...]:
    """What makes a rule another one: two rules of a group with the same key would do the same."""
    prefix = None if rule.remote_ip_prefix in ANYWHERE else rule.remote_ip_prefix
    return (
        rule.direction, rule.ethertype, _number(rule.protocol), rule.port_range_min, rule.port_range_max, prefix,
        rule.remote_group_id,
    )  # fmt: skip


def _number(protocol: str | None) -> int | None:
    if protocol is None or protocol.lower() == "any":
        return None
    if protocol.lower() in PROTOCOLS:
        return PROTOCOLS[protocol.lower()]
    if protocol.isdecimal() and 0 <= int(protocol) <= 255:
        return int(protocol)
    raise InvalidInput(
        f"security group rule protocol {protocol!r} not supported: give one of {', '.join(PROTOCOLS)}, or 0 to 255"
    )


def _check_ports(rule: SecurityGroupRule, number: int | None) -> None:
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and high is None:
        return
    if number is None:
        raise InvalidInput("must also specify protocol if port range is given")
    if number in ICMP:
        for name, value in (("type (port_range_min)", low), ("code (port_range_max)", high)):
            if value is not None and not 0 <= value <= 255:
                raise InvalidInput(f"invalid value for ICMP {name}: {value}: it must be 0 to 255")
        if low is None:
            raise InvalidInput(
                f"ICMP code (port_range_max) {high} is provided but ICMP type (port_range_min) is missing"
            )
    elif number in {PROTOCOLS[name] for name in WITH_PORTS}:
        if low is None or high is None or low > high:
            raise InvalidInput(f"ports {low} to {high}: port_range_min must be <= port_range_max")
        if low < 1 or high > 65535:
            raise InvalidInput(f"ports {low} to {high}: each must be 1 to 65535")
    else:
        raise InvalidInput(f"ports cannot be specified for protocol {rule.protocol}: only for {', '.join(WITH_PORTS)}")


def _checked_remote(rule: SecurityGroupRule) -> str | None:
    if rule.remote_ip_prefix is None:
        return None
    if rule.remote_group_id is not None:
        raise InvalidInput("only one of remote_ip_prefix or remote_group_id may be provided")
    try:
        prefix = ip_network(rule.remote_ip_prefix, strict=False)
    except ValueError:
        raise InvalidInput(
            f"remote_ip_prefix {rule.remote_ip_prefix!r} is no IP prefix: write it as 10.0.0.0/24"
        ) from None
    if prefix.version != VERSIONS[rule.ethertype]:
        raise InvalidInput(f"conflicting value ethertype {rule.ethertype} for CIDR {rule.remote_ip_prefix}")
    return str(prefix)
