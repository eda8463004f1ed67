"""Placement: which provider has how much of which resource, who uses it, and who may claim the next piece."""
