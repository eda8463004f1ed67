"""Candidates are what a look at every provider would find, however little was looked at."""

from contextlib import suppress
from random import Random
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.ids import ConsumerId, ProjectId, ProviderId, UserId
from actors.placement import candidates
from actors.placement.candidates import Question
from actors.placement.errors import PlacementConflict
from actors.placement.models import Allocation, ConsumerAllocations, Inventory, resources
from actors.placement.records import Provider
from actors.placement.store import PlacementStore

TRAITS = ("COMPUTE_STATUS_DISABLED", "OWNER_NOVA", "CUSTOM_FAST")
AGGREGATES = ("az-1", "az-2", "rack-1")


def up_to_two_of(names: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.lists(st.sampled_from(names), max_size=2).map(frozenset)


some_traits = up_to_two_of(TRAITS)
some_aggregates = up_to_two_of(AGGREGATES)
inventories = st.builds(
    Inventory, resource_class=st.just("VCPU"), total=st.integers(1, 8), reserved=st.integers(0, 1), step_size=st.integers(1, 2),
    min_unit=st.integers(1, 2), max_unit=st.integers(1, 4), allocation_ratio=st.sampled_from([1.0, 1.5, 4.0]),
)  # fmt: skip
amounts = st.builds(resources, VCPU=st.integers(1, 4)) | st.builds(
    resources, VCPU=st.integers(1, 4), MEMORY_MB=st.integers(1, 4)
)
questions = st.builds(
    Question, resources=amounts, required=some_traits, forbidden=some_traits, forbidden_aggregates=some_aggregates,
    member_of=st.lists(st.sampled_from([frozenset({"az-1"}), frozenset({"az-2", "rack-1"})]), max_size=2).map(tuple), root_required=some_traits,
    root_forbidden=some_traits, in_tree=st.none() | st.integers(0, 3).map(lambda n: ProviderId(f"uuid-{n}")),
)  # fmt: skip


def naive(store: PlacementStore, question: Question) -> list[str]:
    """Every provider that fits, by asking each of them everything, from the allocations themselves."""
    return [one.uuid for one in store.providers.values() if _fits(store, one, question)]


def _fits(store: PlacementStore, one: Provider, question: Question) -> bool:
    root = one
    while root.parent is not None:
        root = root.parent
    for name, amount in question.resources:
        if name not in one.inventories:
            return False
        stock = one.inventories[name]
        taken = sum(
            dict(allocation.resources).get(name, 0)
            for consumer in store.consumers.values()
            for allocation in consumer.allocations
            if allocation.resource_provider_uuid == one.uuid
        )
        if taken + amount > (stock.total - stock.reserved) * stock.allocation_ratio:
            return False
        if amount not in range(stock.min_unit, stock.max_unit + 1) or amount % stock.step_size:
            return False
    inside = one
    while question.in_tree is not None and inside.uuid != question.in_tree and inside.parent is not None:
        inside = inside.parent
    tree = {other.uuid for other in store.providers.values() if other is root or other.root is root}
    return (
        all(trait in one.traits for trait in question.required)
        and all(trait not in one.traits for trait in question.forbidden)
        and all(trait in root.traits for trait in question.root_required)
        and all(trait not in root.traits for trait in question.root_forbidden)
        and all(any(name in one.aggregates for name in group) for group in question.member_of)
        and all(name not in one.aggregates for name in question.forbidden_aggregates)
        and (question.in_tree is None or question.in_tree in tree)
    )


class Kept(RuleBasedStateMachine):
    """Random writes to a store, and random questions in between."""

    def __init__(self) -> None:
        super().__init__()
        self.store = PlacementStore()
        self.made = 0
        self.claims = 0

    def any_provider(self, pick: int) -> Provider:
        return list(self.store.providers.values())[pick % len(self.store.providers)]

    @rule(parent=st.none() | st.integers(0, 9), stock=inventories, memory=st.booleans(), traits=some_traits)
    def create(self, parent, stock, memory, traits):
        above = self.any_provider(parent).uuid if parent is not None and self.store.providers else None
        uuid = ProviderId(f"uuid-{self.made}")
        self.made += 1
        provider = self.store.create_provider(uuid, f"name-{uuid}", above)
        more = (Inventory(resource_class="MEMORY_MB", total=4),) if memory else ()
        self.store.set_inventories(uuid, provider.generation, (stock, *more))
        self.store.set_traits(uuid, provider.generation, traits)

    @precondition(lambda self: self.store.providers)
    @rule(pick=st.integers(0, 9), stock=inventories)
    def restock(self, pick, stock):
        provider = self.any_provider(pick)
        with suppress(PlacementConflict):
            self.store.set_inventories(provider.uuid, provider.generation, (stock,))

    @precondition(lambda self: self.store.providers)
    @rule(pick=st.integers(0, 9), traits=some_traits)
    def retrait(self, pick, traits):
        provider = self.any_provider(pick)
        self.store.set_traits(provider.uuid, provider.generation, traits)

    @precondition(lambda self: self.store.providers)
    @rule(pick=st.integers(0, 9), aggregates=some_aggregates)
    def regroup(self, pick, aggregates):
        provider = self.any_provider(pick)
        self.store.set_aggregates(provider.uuid, provider.generation, aggregates)

    @precondition(lambda self: self.store.providers)
    @rule(pick=st.integers(0, 9), wanted=amounts)
    def claim(self, pick, wanted):
        self.claims += 1
        one = ConsumerAllocations(
            consumer_uuid=ConsumerId(f"consumer-{self.claims}"), project_id=ProjectId("p"), user_id=UserId("u"),
            allocations=(Allocation(resource_provider_uuid=self.any_provider(pick).uuid, resources=wanted),),
        )  # fmt: skip
        created = self.store.ensure_consumers((one,))
        try:
            self.store.replace_allocations((one,), self.store.generations((one,)))
        except PlacementConflict:
            self.store.forget_consumers(created)

    @precondition(lambda self: self.store.consumers)
    @rule(pick=st.integers(0, 9))
    def release(self, pick):
        consumers = list(self.store.consumers)
        self.store.delete_allocations(consumers[pick % len(consumers)])

    @precondition(lambda self: self.store.providers)
    @rule(pick=st.integers(0, 9))
    def delete(self, pick):
        with suppress(PlacementConflict):
            self.store.delete_provider(self.any_provider(pick).uuid)

    @rule(
        question=questions | amounts.map(lambda wanted: Question(resources=wanted)), limit=st.none() | st.integers(1, 4)
    )
    def ask(self, question, limit):
        found = self.store.candidates.find(question, limit)
        assert [one.resource_provider_uuid for one in found.provider_summaries] == naive(self.store, question)[:limit]
        for summary in found.provider_summaries:
            provider = self.store.providers[summary.resource_provider_uuid]
            assert {one.resource_class: (one.capacity, one.used) for one in summary.resources} == {
                name: (int(stock.capacity), provider.used.get(name, 0)) for name, stock in provider.inventories.items()
            }
            assert set(summary.traits) == provider.traits

    @invariant()
    def the_first_question_is_still_answered_well(self):
        question = Question(resources=resources(VCPU=2))
        found = self.store.candidates.find(question, 2)
        assert [one.resource_provider_uuid for one in found.provider_summaries] == naive(self.store, question)[:2]


class KeptWithAShortMemory(Kept):
    """The same where questions and touches are forgotten at once."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = [mock.patch.object(candidates, name, 1) for name in ("KEPT_QUESTIONS", "KEPT_TOUCHES")]
        for one in self.patches:
            one.start()

    def teardown(self) -> None:
        for one in self.patches:
            one.stop()


TestKept = Kept.TestCase
TestKept.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestKeptWithAShortMemory = KeptWithAShortMemory.TestCase
TestKeptWithAShortMemory.settings = TestKept.settings


def filled(hosts: int) -> PlacementStore:
    store = PlacementStore()
    for number in range(hosts):
        uuid = ProviderId(f"host-{number:05}")
        store.create_provider(uuid, uuid, None)
        store.set_inventories(uuid, 0, (Inventory(resource_class="VCPU", total=2),))
    return store


def take(store: PlacementStore, host: str, consumer: str) -> None:
    one = ConsumerAllocations(
        consumer_uuid=ConsumerId(consumer), project_id=ProjectId("p"), user_id=UserId("u"),
        allocations=(Allocation(resource_provider_uuid=ProviderId(host), resources=resources(VCPU=1)),),
    )  # fmt: skip
    store.ensure_consumers((one,))
    assert store.replace_allocations((one,), store.generations((one,)))


ONE_CORE = Question(resources=resources(VCPU=1))


def test_the_same_question_gets_the_same_object_until_something_happens():
    store = filled(5)
    first = store.candidates.find(ONE_CORE, 3)

    assert store.candidates.find(ONE_CORE, 3) is first
    take(store, "host-00004", "beyond the limit")
    assert store.candidates.find(ONE_CORE, 3) is first
    take(store, "host-00001", "within it")
    assert store.candidates.find(ONE_CORE, 3) is not first


def test_an_answer_never_changes_and_shares_what_is_still_true():
    store = filled(3)
    before = store.candidates.find(ONE_CORE)
    take(store, "host-00001", "one")
    after = store.candidates.find(ONE_CORE)

    assert [one.resources[0].used for one in before.provider_summaries] == [0, 0, 0]
    assert [one.resources[0].used for one in after.provider_summaries] == [0, 1, 0]
    same = [old is new for old, new in zip(before.provider_summaries, after.provider_summaries, strict=True)]
    assert same == [True, False, True]


def test_no_more_is_looked_at_than_the_limit_lets_through_and_what_has_changed():
    store = filled(1000)
    with mock.patch.object(candidates, "fits", wraps=candidates.fits) as fits:
        store.candidates.find(ONE_CORE, 10)
        assert fits.call_count == 10
        take(store, "host-00003", "one")
        store.candidates.find(ONE_CORE, 10)
        assert fits.call_count == 11
        take(store, "host-00003", "two")  # now it is full, and the next provider takes its place
        store.candidates.find(ONE_CORE, 10)
        assert fits.call_count == 13


def test_a_question_that_slept_for_long_starts_anew_and_one_that_did_not_does_not():
    store = filled(10)
    store.candidates.find(ONE_CORE)
    asleep = Question(resources=resources(VCPU=2))
    store.candidates.find(asleep)
    with mock.patch.object(candidates, "fits", wraps=candidates.fits) as fits:
        for number in range(2 * candidates.KEPT_TOUCHES):
            take(store, "host-00003", f"{number}")
            store.delete_allocations(ConsumerId(f"{number}"))
            store.candidates.find(ONE_CORE)
        assert fits.call_count == 2 * candidates.KEPT_TOUCHES
        store.candidates.find(asleep)
        assert fits.call_count == 2 * candidates.KEPT_TOUCHES + 10


@given(st.integers(0, 8), st.none() | st.integers(1, 8), st.integers(0, 1000))
def test_a_sample_is_drawn_from_all_that_fit(hosts, limit, seed):
    store = filled(hosts)
    found = store.candidates.find(ONE_CORE).provider_summaries
    sample = store.candidates.sample(ONE_CORE, limit, Random(seed)).provider_summaries

    assert len(sample) == min(hosts, hosts if limit is None else limit)
    assert len({one.resource_provider_uuid for one in sample}) == len(sample)
    assert all(one in found for one in sample)


def test_parts_are_judged_anew_when_the_traits_of_their_root_change():
    store = filled(1)
    store.create_provider(ProviderId("part"), "part", ProviderId("host-00000"))
    store.set_inventories(ProviderId("part"), 0, (Inventory(resource_class="VGPU", total=1),))
    question = Question(resources=resources(VGPU=1), root_required=frozenset({"OWNER_NOVA"}))
    assert store.candidates.find(question).provider_summaries == ()
    store.set_traits(ProviderId("host-00000"), 1, ("OWNER_NOVA",))
    assert [one.resource_provider_uuid for one in store.candidates.find(question).provider_summaries] == ["part"]
