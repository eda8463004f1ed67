"""Keystone's load: how many requests a second reach it while a service checks tokens, for each format, with and without caches.

Counted in simulated time, so that the figures are the same on every machine. Twenty tokens are used in turns, by a service that has
run for a while. `draw` makes a picture of it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio

from actors.auth_token import AuthTokenConfig
from actors.keystone.config import KeystoneConfig
from bus.middleware import Middleware, Passage
from tests.actors.town import Town, play
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case
from tests.benchmarks.scale import Scale

FORMATS = ("uuid", "fernet", "jws", "pki", "pkiz")
CACHES = {"no cache": -1, "10 s": 10, "300 s": 300}
TOKENS = 20
SECONDS = 600.0


class _Counter(Middleware):
    """Counts the requests that reach Keystone while it is counting."""

    def __init__(self) -> None:
        self.counting = False
        self.count = 0

    def deliver(self, passage: Passage) -> None:
        self.count += self.counting and passage.receiver.startswith("keystone")


def group(scale: Scale) -> Group:
    """The table of formats and caches."""
    cases = [
        Case(
            _row(provider, cache),
            "requests to Keystone a second",
            partial(_case, provider, seconds, scale),
            once=True,
        )
        for provider in FORMATS
        for cache, seconds in CACHES.items()
    ]
    return Group("load", f"Keystone's load while a service checks {TOKENS} tokens in turns", tuple(cases))


def _row(provider: str, cache: str) -> str:
    return f"{provider}, {cache}"


def _case(provider: str, cache: int, scale: Scale) -> Mapping[str, float]:
    return {f"{rate:,} checks/s": load(provider, cache, rate, scale.seconds) for rate in scale.rates}


def load(provider: str, cache: int, rate: float, seconds: float = SECONDS) -> float:
    """Requests a second that reach Keystone.

    Args:
        provider: the format of tokens.
        cache: `token_cache_time` in seconds.
        rate: tokens that the service checks in a second.
        seconds: how long is counted.
    """
    counter = _Counter()

    async def story(town: Town) -> float:
        tokens = [(await town.sign_in()).id for _ in range(TOKENS)]
        checks = 0

        async def check_for(duration: float) -> None:
            nonlocal checks
            for _ in range(round(duration * rate)):
                await town.who(tokens[checks % TOKENS])
                checks += 1
                await anyio.sleep(1 / rate)

        await check_for(2 * TOKENS / rate)
        counter.counting = True
        await check_for(seconds)
        return counter.count / seconds

    return float(
        play(
            story, config=KeystoneConfig(provider=provider), auth_token=AuthTokenConfig(token_cache_time=cache),
            middleware=[counter],
        )
    )  # fmt: skip


def draw(path: Path, rates: Sequence[float] = (0.1, 0.5, 1, 2, 5, 10, 20)) -> None:
    """Draw Keystone's load against checks a second: a panel for each cache time, a line for each format.

    Args:
        path: of the picture; its ending says which kind.
        rates: checks a second.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, len(CACHES), sharey=True)
    for panel, (cache, seconds) in zip(panels, CACHES.items(), strict=True):
        for number, provider in enumerate(FORMATS):
            values = [load(provider, seconds, rate) for rate in rates]
            panel.plot(
                rates,
                values,
                marker="osD^v"[number],
                linewidth=7 - 1.5 * number,
                markersize=11 - 1.5 * number,
                label=provider,
            )
        panel.set(title=f"token_cache_time: {cache}", xlabel="tokens checked by a service, per second", xscale="log")
        panel.set_yscale("log")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("requests that reach Keystone, per second")
    panels[0].legend()
    figure.savefig(path)
