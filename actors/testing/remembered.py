"""What hunts have found, as a test that fails until it is mended.

A hunt hands the seeds that fail to Hypothesis, as fuzzers from outside do (``fuzz_one_input``). It saves them in its database, which is
``.hypothesis`` in the current directory, under the key of the test below, which runs them, and forgets those which do not fail any more. While
there are none, it is skipped. For pytest to find it, import it where tests are looked for::

    from actors.testing.remembered import test_what_hunts_have_found_is_mended
"""

from collections.abc import Iterable
from typing import Any, Final, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actors.testing.hunted import play
from bus.sim import World

BYTES: Final = 4
"""Of a seed that is handed over: Hypothesis reads a whole number of bits as what a fuzzer sends, the first byte counting most."""
LARGEST: Final = 256**BYTES - 1
"""The largest seed that can be."""


@settings(
    phases=(
        Phase.explicit,
        Phase.reuse,
    ),  # no new seeds, that is what hunts are for; and a smaller seed is no smaller case
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow,),
)
@given(seed=st.integers(min_value=0, max_value=LARGEST))
def test_what_hunts_have_found_is_mended(seed: int) -> None:
    """Run the case that a seed stands for."""
    World(seed).run(play)


def remember(seeds: Iterable[int]) -> list[int]:
    """Run seeds that have failed once more, and have Hypothesis remember them.

    Returns:
        Those that are remembered. None are if Hypothesis has no database, as is its default in CI.
    """
    if settings().database is None:
        return []
    handle: Any = cast("Any", test_what_hunts_have_found_is_mended).hypothesis
    remembered: list[int] = []
    # Of failures that look alike, Hypothesis saves those alone that are smaller than the ones before.
    for seed in sorted(seeds, reverse=True):
        try:
            handle.fuzz_one_input(seed.to_bytes(BYTES, "big"))
        except Exception:  # noqa: BLE001 (whatever a run raises is what the hunt was after)
            remembered.append(seed)
    return remembered[::-1]
