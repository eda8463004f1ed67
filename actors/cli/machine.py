"""The machine's own chance: the only one for keys that a real cloud uses.

No simulation may draw from here, for it could not be run again.
"""

from os import urandom as randomness

__all__ = ["randomness"]
