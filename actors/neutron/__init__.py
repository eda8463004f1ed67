"""Neutron: networks, subnets, ports and security groups, and the agents that wire ports on their hosts."""
