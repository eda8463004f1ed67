"""How many servers a project may have. Pure rules (nova's `compute/utils.py: check_num_instances_quota`).

Nothing is reserved: what there is, is counted each time, so that two requests at once may both fit and go too far together;
which is why the conductor counts again once the servers exist.
"""

from typing import Final

from actors.nova.errors import OverQuota
from actors.nova.models import Flavor, QuotaSet, Usage

UNLIMITED: Final = -1


def affordable(flavor: Flavor, min_count: int, max_count: int, quota: QuotaSet, usage: Usage) -> int:
    """How many servers of a size the project may have on top of those it has: *max_count*, or as many as fit.

    Raises:
        OverQuota: if fewer than *min_count* fit.
    """
    needs = {"instances": 1, "cores": flavor.vcpus, "ram": flavor.ram}
    count = max_count
    for name, need in needs.items():
        limit = getattr(quota, name)
        if limit != UNLIMITED and need:
            count = min(count, (limit - getattr(usage, name)) // need)
    if count < max(min_count, 1):
        raise OverQuota(_text(needs, min_count, quota, usage))
    return count


def over(quota: QuotaSet, usage: Usage) -> str | None:
    """Which limit is exceeded by what there is already; None if none is."""
    for name in ("instances", "cores", "ram"):
        if getattr(quota, name) != UNLIMITED and getattr(usage, name) > getattr(quota, name):
            return name
    return None


def _text(needs: dict[str, int], count: int, quota: QuotaSet, usage: Usage) -> str:
    wanted = {name: need * max(count, 1) for name, need in needs.items()}
    exceeded = [
        name for name in needs
        if getattr(quota, name) != UNLIMITED and getattr(usage, name) + wanted[name] > getattr(quota, name)
    ]  # fmt: skip
    lists = ("instances", wanted), ("used", usage), ("allowed", quota)
    requested, used, allowed = (
        ", ".join(str(values[name] if isinstance(values, dict) else getattr(values, name)) for name in exceeded)
        for _, values in lists
    )
    names = ", ".join(exceeded)
    return f"Quota exceeded for {names}: Requested {requested}, but already used {used} of {allowed} {names}"
