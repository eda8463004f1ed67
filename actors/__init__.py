"""The actors of the cloud: Keystone, Glance, Placement, Neutron, Cinder, Nova and their clients."""
