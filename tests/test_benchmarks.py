"""The benchmarks measure nothing here, but every line of them that needs no peer runs."""

import gc
import io
import json
import re
from pathlib import Path

import attrs
import pytest
from rich.console import Console

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _root_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


MAY_BE_NOTHING = {"bytes each", "kB a host", "kB a server", "10 checks/s", "races found"}
"""Columns and rows of figures that almost no work may leave at 0."""


@pytest.fixture
def report(tmp_path):
    """Each group without its peers, measured in one round of almost nothing; as text and as data."""
    from tests.benchmarks.__main__ import GROUPS
    from tests.benchmarks.report import judge, show, write
    from tests.benchmarks.rounds import measure
    from tests.benchmarks.scale import TINY

    gc.freeze()  # garbage is collected before each measurement, which takes long in a process with much in it
    results = []
    console = Console(file=io.StringIO(), width=200)
    for make in GROUPS.values():
        group = make(TINY)
        group = attrs.evolve(group, cases=tuple(case for case in group.cases if not case.peer))
        results.append(judge(group, measure(group.cases, 1, lambda _: None)))
        show(results[-1], console)
    gc.unfreeze()
    write(results, 1, tmp_path / "bench.json")
    return console.file.getvalue(), json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))


def test_every_group_is_measured_shown_and_written(report):
    text, data = report
    assert " ".join(data["groups"]) == "ask publish timers idle steps tokens load boots fuzz races"
    for group in data["groups"].values():
        assert group["title"] in text
        assert all(
            figure["median"] > 0
            for figure in group["figures"]
            if not MAY_BE_NOTHING & {figure["row"], figure["column"]}
        )


def figures(ours, theirs):
    from tests.benchmarks.rounds import Figures

    columns = {("ours", "speed"): ours, ("theirs", "speed"): theirs}
    return Figures({key: dict(enumerate(values)) for key, values in columns.items() if values}, {})


def test_a_ratio_is_taken_within_each_round():
    assert figures([1, 20, 3], [1, 10, 1]).ratio("ours", "speed", "theirs") == 2


@pytest.mark.parametrize(
    ("limits", "theirs", "passed"),
    [
        ([{"limit": 2}], [], True),
        ([{"limit": 4}], [], False),
        ([{"limit": 4, "most": True}], [], True),
        ([{"limit": 3, "than": "theirs"}], [1], True),
        ([{"limit": 3, "than": "theirs"}], [2], False),
        ([{"limit": 4}, {"limit": 3, "than": "theirs"}], [1], True),
        ([{"limit": 4}, {"limit": 3, "than": "theirs"}], [], None),
        ([{"limit": 3}, {"limit": 3, "than": "theirs"}], [], True),
    ],
)
def test_a_floor_holds_by_any_of_its_bounds_and_needs_its_peer(limits, theirs, passed):
    from tests.benchmarks.floors import Bound, Floor

    floor = Floor("ours", "speed", tuple(Bound(**limit) for limit in limits))
    assert floor.judge(figures([3], theirs)).passed is passed


def test_what_was_not_counted_any_further_is_shown_as_more():
    from tests.benchmarks.group import Group
    from tests.benchmarks.report import judge, show
    from tests.benchmarks.rounds import Case, measure

    cases = tuple(Case(row, "", lambda runs=runs: {"runs": runs}) for row, runs in (("a", 300), ("b", 301)))
    console = Console(file=io.StringIO(), width=80)
    show(judge(Group("", "", cases, most=300), measure(cases, 1, lambda _: None)), console)
    assert re.search(r"a +│ +│ +300 .*b +│ +│ >300 ", console.file.getvalue(), re.DOTALL)


def test_a_way_to_search_has_delays_of_its_kinds_alone():
    from bus.sim.schedulers.timing import MISS, Timing
    from tests.benchmarks.races import WAYS

    def delays(way, aims):
        late = WAYS[way][1]
        asked = [(Timing(seed), n) for seed in range(20) for n in range(100)]
        return {late(timing, "lane", n, 50_000, lambda chance: chance.randrange(1000), aims) for timing, n in asked}

    aims = (100_000, 200_000)
    aimed = {aim + miss - 50_000 for aim in aims for miss in MISS}
    assert delays("random order", aims) == delays("PCT", aims) == {0}
    assert delays("jitter", aims) == delays("all but critical instants", aims) == delays("portfolio", ())
    assert {0} < delays("critical instants", aims) <= {0, *aimed}
    assert delays("critical instants", aims) - {0} <= delays("portfolio", aims)


def test_a_peer_that_is_missing_or_broken_leaves_a_gap():
    from tests.benchmarks.rounds import Case, measure

    def broken():
        msg = "no"
        raise OSError(msg)

    found = measure([Case("a", "", broken, "no_such_module"), Case("b", "", broken, "json")], 2, lambda _: None)
    assert found.gaps == {"a": "not installed", "b": "failed: OSError('no')"}
    with pytest.raises(OSError, match="no"):
        measure([Case("ours", "", broken)], 1, lambda _: None)
