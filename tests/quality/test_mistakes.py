"""Whatever safeguard is taken away, an invariant notices; and with it, all hold in the same case."""

import pytest

from tests.quality import identity, network, servers, storage

FOUND = (*servers.FOUND, *storage.FOUND, *network.FOUND, *identity.FOUND)
LONG = 50
"""Runs of a hunt."""


def name(mistake):
    return mistake.name


@pytest.mark.parametrize("mistake", FOUND, ids=name)
def test_an_invariant_notices_it_and_holds_without_it(mistake, monkeypatch):
    with monkeypatch.context() as planted:
        mistake.plant(planted)
        runs, broken = mistake.hunt(mistake.runs)
    assert broken, f"no invariant noticed in {runs} runs that this is gone: {mistake.removes}"
    assert broken <= {*mistake.breaks}
    assert mistake.hunt(runs) == (runs, set())


@pytest.mark.hunt
@pytest.mark.parametrize("mistake", FOUND, ids=name)
def test_without_it_everything_holds_for_long(mistake):
    assert mistake.hunt(LONG) == (LONG, set())
