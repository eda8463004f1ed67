"""The Compute API, a module for each kind of thing."""

from typing import Final

TOPIC: Final = "nova-api"
