"""Which providers could satisfy a request, kept ready from one request to the next.

A scheduler asks the same few questions again and again (one for each flavor, more or less), and from one question to the next one
or two providers have changed. So each question keeps its answer: the providers that fit, in the order of their creation. The
store notes each provider that it touches; when a question comes again, only those are looked at. And nothing is looked at
beyond the candidates that the limit lets through, so that a cloud of ten thousand empty hosts costs no more than one of a thousand.

A candidate takes everything from one provider. Placement also combines the providers of a tree, and those that share their
inventory through an aggregate; nova's compute nodes need neither for VCPU, MEMORY_MB and DISK_GB.
"""

from bisect import bisect_left
from itertools import islice
from random import Random

import attrs

from actors.ids import ProviderId
from actors.placement.models import AllocationCandidates, ProviderSummary, Resources
from actors.placement.records import Provider

KEPT_QUESTIONS = 256
"""Questions whose answers are kept; the one asked longest ago goes first."""
KEPT_TOUCHES = 1024
"""Touches that are remembered at least; a question that slept through more starts anew."""


@attrs.frozen(kw_only=True, cache_hash=True)
class Question:
    """What a provider must offer to be a candidate. The fields are the parameters of ``GET /allocation_candidates``.

    Attributes:
        resources: all of these must be free.
        required: it has each of these traits ...
        forbidden: ... and none of these.
        member_of: it is in at least one aggregate of each of these groups ...
        forbidden_aggregates: ... and in none of these.
        in_tree: it is in the tree of this provider.
        root_required: the root of its tree has each of these traits ...
        root_forbidden: ... and none of these.
    """

    resources: Resources
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    forbidden_aggregates: frozenset[str] = frozenset()
    in_tree: ProviderId | None = None
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()


def fits(provider: Provider, question: Question) -> bool:
    """Whether *provider* is a candidate now."""
    return _has_room(provider, question.resources) and _is_suitable(provider, question)


def _has_room(provider: Provider, wanted: Resources) -> bool:
    for name, amount in wanted:
        inventory = provider.inventories.get(name)
        if inventory is None or not inventory.deals(amount):
            return False
        if provider.used.get(name, 0) + amount > inventory.capacity:
            return False
    return True


def _is_suitable(provider: Provider, question: Question) -> bool:
    root = provider.root
    return (
        provider.traits >= question.required
        and provider.traits.isdisjoint(question.forbidden)
        and root.traits >= question.root_required
        and root.traits.isdisjoint(question.root_forbidden)
        and provider.aggregates.isdisjoint(question.forbidden_aggregates)
        and not any(provider.aggregates.isdisjoint(group) for group in question.member_of)
        and (question.in_tree is None or any(one.uuid == question.in_tree for one in root.tree()))
    )


class _Answer:
    """The candidates for one question, among the providers that it has come to look at.

    `places` (ascending) and `summaries` are the two columns of one table. Providers from `scanned` on were not looked at.
    """

    __slots__ = ("limit", "places", "question", "read", "ready", "scanned", "summaries")

    def __init__(self, question: Question, read: int) -> None:
        self.question = question
        self.places: list[int] = []
        self.summaries: list[ProviderSummary] = []
        self.scanned = 0
        self.read = read  # touches it knows of
        self.ready: AllocationCandidates | None = None  # what was last answered, if still true
        self.limit: int | None = None  # ... and with which limit

    def look_again(self, place: int, provider: Provider | None) -> None:
        """Take notice that *provider* has changed; None if it is gone."""
        if place >= self.scanned:
            return
        at = bisect_left(self.places, place)
        known = at < len(self.places) and self.places[at] == place
        if provider is not None and fits(provider, self.question):
            if not known:
                self.places.insert(at, place)
                self.summaries.insert(at, provider.summary())
            elif self.summaries[at] is provider.summary():
                return
            else:
                self.summaries[at] = provider.summary()
        elif known:
            del self.places[at]
            del self.summaries[at]
        else:
            return
        if self.limit is None or at < self.limit:
            self.ready = None

    def look_on(self, providers: list[Provider | None], limit: int | None) -> None:
        """Look at further providers, until there are *limit* candidates or all were looked at."""
        while self.scanned < len(providers) and (limit is None or len(self.places) < limit):
            provider = providers[self.scanned]
            if provider is not None and fits(provider, self.question):
                self.places.append(self.scanned)
                self.summaries.append(provider.summary())
                self.ready = None
            self.scanned += 1

    def give(self, limit: int | None) -> AllocationCandidates:
        """The first *limit* candidates."""
        if self.ready is None or self.limit != limit:
            self.limit = limit
            self.ready = AllocationCandidates(
                resources=self.question.resources, provider_summaries=tuple(islice(self.summaries, limit))
            )
        return self.ready


class Candidates:
    """All providers in the order of their creation, and the questions that were asked about them."""

    def __init__(self) -> None:
        self._providers: list[Provider | None] = []
        self._answers: dict[Question, _Answer] = {}
        self._touched: list[int] = []  # places, the latest last
        self._forgotten = 0  # touches that are no longer in it

    @property
    def next_place(self) -> int:
        """The place of the provider that is added next."""
        return len(self._providers)

    def add(self, provider: Provider) -> None:
        """Take in a new provider, at `next_place`."""
        assert provider.place == len(self._providers)
        self._providers.append(provider)

    def remove(self, provider: Provider) -> None:
        """Leave out a provider from now on."""
        self._providers[provider.place] = None
        self.touch(provider)

    def touch(self, provider: Provider) -> None:
        """Take notice that something about *provider* has changed."""
        provider.changed()
        self._touched.append(provider.place)
        if len(self._touched) > 2 * max(KEPT_TOUCHES, len(self._providers)):
            old = len(self._touched) // 2
            del self._touched[:old]
            self._forgotten += old

    def find(self, question: Question, limit: int | None = None) -> AllocationCandidates:
        """The first *limit* providers that fit, in the order of their creation; None for all."""
        answer = self._answer(question)
        answer.look_on(self._providers, limit)
        return answer.give(limit)

    def sample(self, question: Question, limit: int | None, chance: Random) -> AllocationCandidates:
        """At most *limit* of the providers that fit, chosen and ordered by *chance*."""
        found = self.find(question).provider_summaries
        picked = chance.sample(found, len(found) if limit is None else min(limit, len(found)))
        return AllocationCandidates(resources=question.resources, provider_summaries=tuple(picked))

    def _answer(self, question: Question) -> _Answer:
        """What is known about *question*, brought up to date."""
        now = self._forgotten + len(self._touched)
        answer = self._answers.pop(question, None)
        if answer is None or answer.read < self._forgotten:
            answer = _Answer(question, now)
        self._answers[question] = answer  # now the one asked last
        if len(self._answers) > KEPT_QUESTIONS:
            del self._answers[next(iter(self._answers))]
        for place in dict.fromkeys(self._touched[answer.read - self._forgotten :]):
            answer.look_again(place, self._providers[place])
        answer.read = now
        return answer
