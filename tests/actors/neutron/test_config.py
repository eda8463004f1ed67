"""Options: defaults, and nonsense."""

import pytest

from actors.neutron.config import NeutronConfig


def test_defaults_are_neutrons():
    config = NeutronConfig()
    assert (config.quota_network, config.quota_port, config.quota_security_group) == (100, 500, 10)
    assert (config.report_interval, config.agent_down_time, config.send_events_interval) == (30, 75, 2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("base_mac", "fa:16:3e"), ("base_mac", "FA:16:3E:00:00:00"), ("base_mac", "01:00:00:00:00:00"), ("quota_port", -2),
        ("quota_port", 1.5), ("agent_down_time", 30), ("report_interval", 0), ("dhcp_agents_per_network", 0),
        ("address_window", 0), ("send_events_interval", -1), ("polling_interval", 0), ("wiring_time", -1),
        ("global_physnet_mtu", 10), ("enable_security_group", "yes"), ("reservation_expiration_timeout", 0),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_option(option: str, value: object):
    with pytest.raises((ValueError, TypeError), match=option):
        NeutronConfig(**{option: value})
