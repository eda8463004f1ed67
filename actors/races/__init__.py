"""The catalogue of races: real bugs of OpenStack's timing, one a module, each to be found by the invariant that it breaks.

Adding a race is adding a module with a `RACE` (see `actors.races.base`); `races` finds it.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from actors.races.base import Race


@cache
def races() -> dict[str, Race]:
    """Every race of the catalogue by name, in the order of the modules' names."""
    modules = [import_module(f"{__name__}.{found.name}") for found in sorted(iter_modules(__path__))]
    return {module.RACE.name: module.RACE for module in modules if hasattr(module, "RACE")}
