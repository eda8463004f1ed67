"""Patterns match subjects as NATS's do, however many there are."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import InvalidSubject
from bus.subject import REMEMBERED, Subjects, words_of

WORDS = ("a", "b", "c")
words = st.sampled_from(WORDS)
subjects = st.lists(words, min_size=1, max_size=5).map(".".join)
patterns = st.builds(
    lambda body, rest: ".".join([*body, *rest]),
    st.lists(words | st.just("*"), max_size=4),
    st.sampled_from([(">",), ("a",), ("*",)]),
)


def fits(pattern, subject):
    """The rule itself, without a tree."""
    head, rest = pattern.split("."), subject.split(".")
    if head[-1] == ">":
        head.pop()
        if len(rest) <= len(head):
            return False
        rest = rest[: len(head)]
    return len(head) == len(rest) and all(one in {"*", other} for one, other in zip(head, rest, strict=True))


@given(st.lists(patterns, max_size=30), subjects)
def test_a_subject_finds_exactly_the_patterns_that_fit_in_the_order_of_filing(filed, subject):
    table = Subjects()
    for number, pattern in enumerate(filed):
        table.add(pattern, number)

    assert table.match(subject) == tuple(number for number, pattern in enumerate(filed) if fits(pattern, subject))


@given(st.data())
def test_adding_and_removing_leaves_what_is_still_filed(data):
    table, filed = Subjects(), {}
    for number in range(data.draw(st.integers(1, 20))):
        if filed and data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(sorted(filed)))
            table.remove(filed.pop(gone), gone)
        else:
            filed[number] = data.draw(patterns)
            table.add(filed[number], number)
        subject = data.draw(subjects)
        assert table.match(subject) == tuple(number for number, pattern in filed.items() if fits(pattern, subject))


@given(st.lists(patterns, max_size=20))
def test_an_emptied_table_keeps_nothing(filed):
    table = Subjects()
    for number, pattern in enumerate(filed):
        table.add(pattern, number)
    for number, pattern in enumerate(filed):
        table.remove(pattern, number)

    assert not table._root.children
    assert not table._remembered


def test_ten_thousand_patterns_match_as_each_of_them_does():
    chance = Random(1)
    every = ["".join(letters) for letters in itertools.product("xyz", repeat=2)]
    filed = [
        ".".join(chance.choice([*every, "*"]) for _ in range(chance.randint(1, 4))) + chance.choice(["", ".>"])
        for _ in range(10_000)
    ]
    table = Subjects()
    for number, pattern in enumerate(filed):
        table.add(pattern, number)

    for _ in range(10):
        subject = ".".join(chance.choice(every) for _ in range(chance.randint(1, 5)))
        assert table.match(subject) == tuple(number for number, pattern in enumerate(filed) if fits(pattern, subject))


def test_a_value_is_found_once_however_many_of_its_patterns_fit():
    table = Subjects()
    for pattern in ("a.b", "a.*", ">", "a.b"):
        table.add(pattern, "value")

    assert table.match("a.b") == ("value",)


def test_only_so_many_subjects_are_remembered():
    table = Subjects()
    table.add(">", "all")
    for number in range(REMEMBERED + 10):
        assert table.match(f"a.{number}") == ("all",)

    assert len(table._remembered) <= REMEMBERED


@given(st.text(alphabet="ab.*>", max_size=8), st.booleans())
def test_every_text_is_either_words_or_an_error(text, pattern):
    parts = text.split(".")
    wrong = "" in parts or ">" in parts[:-1] or (not pattern and not {"*", ">"}.isdisjoint(parts))
    try:
        found = words_of(text, pattern=pattern)
    except InvalidSubject:
        assert wrong
    else:
        assert not wrong
        assert found == parts


@pytest.mark.parametrize("subject", ["a.*", ">", "a..b", ""])
def test_nothing_is_published_to_a_pattern_or_to_an_empty_word(subject):
    with pytest.raises(InvalidSubject):
        Subjects().match(subject)


def test_a_refused_pattern_changes_nothing():
    table = Subjects()
    with pytest.raises(InvalidSubject):
        table.add("a.>.b", 1)

    assert not table._root.children
