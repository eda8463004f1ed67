"""The hypervisors: one actor for each host, which owns what the host really has and runs its guests."""
