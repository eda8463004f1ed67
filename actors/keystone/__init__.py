"""Keystone: who you are, what you may do, and where the services are."""
