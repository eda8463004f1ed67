"""Security group rules: what may be said."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import BadRequest
from actors.ids import ProjectId, SecurityGroupId
from actors.neutron.models import RuleId, SecurityGroupRule
from actors.neutron.rules import PROTOCOLS, VERSIONS, WITH_PORTS, checked, key

GROUP = SecurityGroupId("group")


def rule(**fields) -> SecurityGroupRule:
    return SecurityGroupRule(
        id=RuleId("rule"), security_group_id=GROUP, project_id=ProjectId("project"), created_at=0.0,
        **({"direction": "ingress"} | fields),
    )  # fmt: skip


RULES = st.builds(
    rule,
    direction=st.sampled_from(["ingress", "egress"]),
    ethertype=st.sampled_from([*VERSIONS]),
    protocol=st.none() | st.sampled_from([*PROTOCOLS]) | st.integers(0, 255).map(str),
    port_range_min=st.none() | st.integers(0, 70000),
    port_range_max=st.none() | st.integers(0, 70000),
    remote_ip_prefix=st.none() | st.sampled_from(["10.0.0.0/8", "10.1.2.3/8", "0.0.0.0/0", "2001:db8::/32", "::/0"]),
)


@given(RULES)
def test_a_rule_is_refused_or_brought_into_a_form_that_is_its_own(one: SecurityGroupRule):
    try:
        usual = checked(one)
    except BadRequest:
        return
    assert checked(usual) == usual
    assert key(usual) == key(checked(attrs.evolve(usual, description="other", id=RuleId("other"))))
    if usual.port_range_min is not None:
        assert usual.protocol is not None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"direction": "sideways"}, "direction"),
        ({"ethertype": "IPv5"}, "IPv5"),
        ({"protocol": "nonsense"}, "nonsense"),
        ({"protocol": "256"}, "256"),
        ({"port_range_min": 80, "port_range_max": 80}, "protocol"),
        ({"protocol": "tcp", "port_range_min": 80}, "80"),
        ({"protocol": "tcp", "port_range_min": 90, "port_range_max": 80}, "<="),
        ({"protocol": "tcp", "port_range_min": 0, "port_range_max": 80}, "65535"),
        ({"protocol": "icmp", "port_range_min": 256}, "256"),
        ({"protocol": "icmp", "port_range_max": 1}, "type"),
        ({"protocol": "gre", "port_range_min": 1, "port_range_max": 1}, "gre"),
        ({"protocol": "ipv6-icmp"}, "ipv6-icmp"),
        ({"remote_ip_prefix": "nonsense"}, "nonsense"),
        ({"remote_ip_prefix": "2001:db8::/32"}, "IPv4"),
        ({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": GROUP}, "only one"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_value(fields, says):
    with pytest.raises(BadRequest, match=says):
        checked(rule(**fields))


@pytest.mark.parametrize("protocol", WITH_PORTS)
def test_all_ports_are_the_same_as_none(protocol: str):
    assert key(checked(rule(protocol=protocol, port_range_min=1, port_range_max=65535))) == key(rule(protocol=protocol))


def test_a_protocol_by_number_is_the_same_rule_as_by_name():
    assert key(rule(protocol="tcp")) == key(rule(protocol="6")) == key(rule(protocol="TCP"))


def test_anywhere_is_the_same_rule_as_no_prefix():
    assert key(rule(remote_ip_prefix="0.0.0.0/0")) == key(rule())
