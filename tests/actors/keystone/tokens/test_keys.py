"""Which files are keys, and which of them does what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.keystone.tokens.cipher import Envelope, FernetKey
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.errors import KeyFileMissing, KeyMalformed, KeysNotFound, KeysUnusable, TokenNotRecognized
from actors.keystone.tokens.keys import KeyRepository, KeyRing, key_number

KEYS = [chr(ord("A") + number) * 43 + "=" for number in range(0, 20, 4)]
"""Five keys; the last character of a key has two bits only, so not every letter will do."""


def ring(files: dict[str, str]) -> KeyRing:
    return KeyRepository(MemoryDirectory(files)).ring()


def reader(keys: KeyRing, key: str) -> int:
    return keys.open(Envelope.parse(FernetKey(key).seal(b"payload", 0, bytes(16))))[0]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("0", 0),
        ("12", 12),
        ("01", 1),
        ("+7", 7),
        ("-3", -3),
        (" 5", 5),
        ("1_0", 10),
        ("0.tmp", None),
        ("1.bak", None),
        ("key", None),
        ("", None),
        ("1e3", None),
        ("0x1", None),
        ("9" * 5000, None),
    ],
)
def test_a_key_is_a_file_whose_name_is_a_number_to_python(name, number):
    assert number == key_number(name)


def test_the_highest_number_seals_and_all_open():
    keys = ring({"0": KEYS[0], "2": KEYS[1], "10": KEYS[2]})
    assert keys.primary == 10
    assert keys.open(Envelope.parse(keys.seal(b"x", 0, bytes(16))))[0] == 10
    assert [reader(keys, key) for key in KEYS[:3]] == [0, 2, 10]


def test_keys_are_tried_from_the_highest_number_down():
    keys = ring({"0": KEYS[0], "-3": KEYS[1], "+7": KEYS[2], "01": KEYS[3]})
    assert list(keys.keys) == [7, 1, 0, -3]
    assert reader(ring({"5": KEYS[0], "4": KEYS[0]}), KEYS[0]) == 5


def test_a_staged_key_alone_is_the_primary_one():
    assert ring({"0": KEYS[0]}).primary == 0


def test_of_two_names_for_one_number_the_later_counts():
    assert reader(ring({"01": KEYS[0], "1": KEYS[1]}), KEYS[1]) == 1
    with pytest.raises(TokenNotRecognized):
        reader(ring({"01": KEYS[0], "1": KEYS[1]}), KEYS[0])


@pytest.mark.parametrize("text", [KEYS[1] + "\n", " " + KEYS[1], "\n\n" + KEYS[1] + "\n\n", KEYS[1] + "=="])
def test_blanks_around_a_key_do_no_harm(text):
    assert reader(ring({"1": text}), KEYS[1]) == 1


@pytest.mark.parametrize(
    "text",
    [KEYS[0][:-1], KEYS[0][:-2], "A" * 40, "A" * 64, "garbage", " ", "\n", "é" + KEYS[0], "\x00" * 44],
)
def test_a_file_that_holds_something_else_fails_every_operation(text):
    repository = KeyRepository(MemoryDirectory({"0": KEYS[0], "1": text, "2": KEYS[2]}))
    for _ in range(2):
        with pytest.raises(KeyMalformed, match="key file 1") as caught:
            repository.ring()
        assert text.strip() not in str(caught.value) or not text.strip()


def test_an_empty_file_is_passed_over():
    keys = ring({"0": KEYS[0], "1": KEYS[1], "2": ""})
    assert list(keys.keys) == [1, 0]


def test_files_that_are_no_keys_are_not_even_looked_at():
    assert list(ring({"0": KEYS[0], "0.tmp": "garbage", "README": "é"}).keys) == [0]


@pytest.mark.parametrize(
    "directory",
    {
        "empty": MemoryDirectory(),
        "only-empty-files": MemoryDirectory({"0": "", "1": ""}),
        "only-other-files": MemoryDirectory({"0.tmp": KEYS[0]}),
        "missing": MemoryDirectory({"0": KEYS[0]}, exists=False),
        "not-readable": MemoryDirectory({"0": KEYS[0]}, readable=False),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_repository_without_keys_is_a_server_error(directory):
    with pytest.raises(KeysNotFound) as caught:
        KeyRepository(directory[1]).ring()
    assert caught.value.subject_status == caught.value.caller_status == 500


def test_a_change_is_seen_by_the_next_operation():
    directory = MemoryDirectory({"0": KEYS[0]})
    repository = KeyRepository(directory)
    first = repository.ring()
    assert first is repository.ring()
    directory.write("1", KEYS[1])
    assert repository.ring().primary == 1
    directory.readable = False
    with pytest.raises(KeysNotFound):
        repository.ring()
    directory.readable = True
    directory.remove("1")
    assert repository.ring().primary == 0


def test_an_error_is_not_kept():
    directory = MemoryDirectory({"0": "garbage"})
    repository = KeyRepository(directory)
    with pytest.raises(KeyMalformed):
        repository.ring()
    directory.write("0", KEYS[0])
    assert repository.ring().primary == 0


def test_a_scan_torn_by_a_rotation_misses_the_new_primary():
    """Listed before the first renaming, read after the second: what was staged is known under no name."""
    staged, primary, fresh = KEYS[:3]
    directory = MemoryDirectory({"0": staged, "1": primary})
    listed = [int(name) for name in directory.names()]
    directory.rename("0", "2")
    directory.write("0", fresh)
    torn = KeyRing.parse({number: directory.read(str(number)) for number in listed})
    assert [reader(torn, fresh), reader(torn, primary)] == [0, 1]
    with pytest.raises(TokenNotRecognized):
        reader(torn, staged)


def test_a_file_that_is_gone_when_its_turn_comes_is_an_error():
    directory = MemoryDirectory({"0": KEYS[0]})
    with pytest.raises(KeyFileMissing, match="'1'"):
        directory.read("1")


@given(
    st.dictionaries(
        st.text(max_size=4) | st.sampled_from(["0", "1", "-1", "01"]), st.text(max_size=50) | st.sampled_from(KEYS)
    )
)
def test_any_files_make_keys_or_a_typed_error(files):
    try:
        keys = ring(files)
    except KeysUnusable:
        return
    assert keys.primary == max(keys.keys)
