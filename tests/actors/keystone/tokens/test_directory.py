"""Folders on disk and in memory, and knowing when they changed."""

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.keystone.tokens import directory as directories
from actors.keystone.tokens.directory import Cached, Directory, DiskDirectory, MemoryDirectory
from actors.keystone.tokens.errors import KeyFileMissing, KeysNotFound, KeysUnusable, TokenNotRecognized
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.rotation import rotate, run, set_up
from actors.keystone.tokens.watch import FILES_AT_ONCE, GRANULARITY

REAL_STAT = os.stat
LATER = 1 << 62
"""Nanoseconds since the epoch: so late that every file has long been there."""


@pytest.fixture(params=["memory", "disk"])
def directory(request, tmp_path) -> Directory:
    """An empty folder of either kind."""
    return MemoryDirectory() if request.param == "memory" else DiskDirectory(tmp_path)


def contents(directory: Directory) -> dict[str, str]:
    return {name: directory.read(name) for name in directory.names()}


def fill(path: Path, keys: int) -> Path:
    """Make a folder of files, and wait for the file system's next tick: what follows is no change within the first."""
    path.mkdir(exist_ok=True)
    for number in range(keys):
        (path / str(number)).write_text("x")
    filled = max(file.stat().st_ctime_ns for file in (path, *path.iterdir()))
    tick = path.with_name("tick")
    while True:
        tick.write_text("")
        if tick.stat().st_ctime_ns > filled:
            return path


def test_files_are_listed_in_order_and_read(directory):
    for name in ("b", "10", "9"):
        directory.write(name, f"text of {name}")
    assert contents(directory) == {"10": "text of 10", "9": "text of 9", "b": "text of b"}
    assert directory.names() == ["10", "9", "b"]


def test_writing_replaces_and_renaming_overwrites(directory):
    directory.write("a", "first text, the longer one")
    directory.write("a", "second")
    directory.write("b", "third")
    directory.rename("a", "b")
    assert contents(directory) == {"b": "second"}
    directory.remove("b")
    assert contents(directory) == {}


def test_a_whole_folder_is_replaced(directory):
    directory.write("a", "old")
    for _ in range(2):
        directory.replace({"b": "new"})
        assert contents(directory) == {"b": "new"}


@pytest.mark.parametrize(("operation", "arguments"), [("read", ["x"]), ("rename", ["x", "y"]), ("remove", ["x"])])
def test_a_missing_file_is_named_in_the_error(directory, operation, arguments):
    with pytest.raises(KeyFileMissing, match="'x'"):
        getattr(directory, operation)(*arguments)


def test_a_byte_that_is_not_ascii_becomes_a_character_that_is_not(tmp_path):
    (tmp_path / "0").write_bytes(b"\xff\xfe")
    assert DiskDirectory(tmp_path).read("0") == "ÿþ"


def test_folders_in_a_folder_are_no_files(tmp_path):
    (tmp_path / "7").mkdir()
    assert DiskDirectory(tmp_path).names() == []


def test_a_folder_is_made_for_its_owner_alone_and_so_are_its_files(tmp_path):
    directory = DiskDirectory(tmp_path / "keys")
    directory.create()
    directory.write("0", "x")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "0").stat().st_mode) == 0o600
    directory.create()
    assert directory.names() == ["0"]


@pytest.mark.parametrize(("mode", "exposed"), [(0o700, False), (0o750, False), (0o704, True), (0o701, True)])
def test_a_folder_open_to_everybody_is_only_worth_a_warning(tmp_path, mode, exposed):
    tmp_path.chmod(mode)
    directory = DiskDirectory(tmp_path)
    assert exposed == directory.is_exposed()
    assert directory.names() == []
    assert MemoryDirectory(exposed=exposed).is_exposed() == exposed


def test_a_missing_folder_is_said_so(tmp_path):
    directory = DiskDirectory(tmp_path / "nowhere")
    with pytest.raises(KeysNotFound, match="nowhere"):
        directory.names()
    with pytest.raises(KeysUnusable):
        directory.is_exposed()
    assert directory.watch() is None


@pytest.mark.parametrize("closed", [os.R_OK, os.X_OK])
def test_a_folder_that_may_not_be_read_or_entered_holds_no_keys(tmp_path, monkeypatch, closed):
    """The superuser may do everything, so the operating system's answer is played."""
    monkeypatch.setattr(directories.os, "access", lambda _, mode: not mode & closed)
    with pytest.raises(KeysNotFound, match="permissions r and x"):
        DiskDirectory(tmp_path).names()


def test_a_file_that_may_not_be_read_is_an_error_of_the_repository(tmp_path):
    (tmp_path / "0").mkdir()
    with pytest.raises(KeysUnusable, match="0"):
        DiskDirectory(tmp_path).read("0")


def test_a_full_disk_leaves_no_half_file_behind(tmp_path, monkeypatch):
    real = os.fdopen

    def full(descriptor, *arguments, **options):
        real(descriptor, *arguments, **options).close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(directories.os, "fdopen", full)
    with pytest.raises(KeysUnusable, match="No space left"):
        DiskDirectory(tmp_path).write("0.tmp", "x")
    assert list(tmp_path.iterdir()) == []


class Reads:
    """Counts how often a folder is really read."""

    def __init__(self, directory: Directory) -> None:
        self.count = 0
        self.cached = Cached(directory, self.build)

    def build(self, directory: Directory) -> dict[str, str]:
        self.count += 1
        return contents(directory)


def overwrite_keeping_times(path: Path) -> None:
    """Write and set the times back, as a copy that preserves times may do; one time nobody can set."""
    times = [(file, file.stat()) for file in (path / "0", path)]
    (path / "0").write_text("y")
    for file, stamps in times:
        os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


class TestCached:
    """Reading again only when something changed."""

    def test_a_settled_folder_is_not_read_again(self, tmp_path):
        (tmp_path / "0").write_text("x")
        reads = Reads(DiskDirectory(tmp_path, lambda: LATER))
        for _ in range(10):
            assert reads.cached.get() == {"0": "x"}
        assert reads.count == 1

    def test_without_a_clock_a_folder_is_read_every_time(self, tmp_path):
        reads = Reads(DiskDirectory(tmp_path))
        for _ in range(10):
            reads.cached.get()
        assert reads.count == 10

    def test_a_folder_that_changed_just_now_is_read_every_time_until_it_has_settled(self, tmp_path):
        (tmp_path / "0").write_text("x")
        changed = max(path.stat().st_ctime_ns for path in (tmp_path, tmp_path / "0"))
        clock = [changed]
        reads = Reads(DiskDirectory(tmp_path, lambda: clock[0]))
        for instant, count in ((0, 3), (GRANULARITY - 1, 6), (GRANULARITY, 7)):
            clock[0] = changed + instant
            for _ in range(3):
                reads.cached.get()
            assert count == reads.count

    @pytest.mark.parametrize(
        "change",
        {
            "a-file-more": lambda path: (path / "1").write_text("z"),
            "a-file-less": lambda path: (path / "0").unlink(),
            "renamed": lambda path: (path / "0").rename(path / "3"),
            "overwritten-in-place": lambda path: (path / "0").write_text("y"),
            "overwritten-with-its-old-times": overwrite_keeping_times,
            "another-folder-moved-here": lambda path: (
                path.rename(path.with_name("old")),
                path.mkdir(),
                (path / "0").write_text("w"),
            ),
        }.items(),
        ids=lambda item: item[0],
    )
    def test_each_kind_of_change_is_seen_at_once(self, tmp_path, change):
        path = fill(tmp_path / "keys", 1)
        cached = Reads(DiskDirectory(path, lambda: LATER)).cached
        cached.get()
        change[1](path)
        assert contents(DiskDirectory(path)) == cached.get()

    @pytest.mark.parametrize("keys", [3, 51])
    def test_an_operation_looks_at_no_more_files_when_there_are_many(self, tmp_path, monkeypatch, keys):
        reads = Reads(DiskDirectory(fill(tmp_path / "keys", keys), lambda: LATER))
        reads.cached.get()
        looked = []
        monkeypatch.setattr(directories.os, "stat", lambda path: looked.append(path) or REAL_STAT(path))
        reads.cached.get()
        monkeypatch.undo()
        assert reads.count == 1
        assert len(looked) == 1 + FILES_AT_ONCE

    def test_of_many_files_one_written_in_place_is_seen_when_its_turn_comes(self, tmp_path):
        """That is the price: 51 keys are looked at in 17 operations. One that fails looks at all of them at once."""
        path = fill(tmp_path / "keys", 51)
        reads = Reads(DiskDirectory(path, lambda: LATER))
        reads.cached.get()
        (path / "50").write_text("y")
        seen = [reads.cached.get()["50"] for _ in range(17)]
        assert "y" == seen[-1] == reads.cached.get(thorough=True)["50"]

    @pytest.mark.parametrize("change", ["create", "rename", "rename-and-set-times-back", "remove", "replace"])
    def test_of_many_files_a_rotation_is_seen_by_the_next_operation(self, tmp_path, change):
        path = fill(tmp_path / "keys", 51)
        cached = Reads(DiskDirectory(path, lambda: LATER)).cached
        cached.get()
        match change:
            case "create":
                (path / "51").write_text("y")
            case "rename":
                (path / "9").rename(path / "8")
            case "rename-and-set-times-back":  # as rsync does
                stamps = path.stat()
                (path / "9").rename(path / "8")
                os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
            case "remove":
                (path / "50").unlink()
            case "replace":
                path.rename(tmp_path / "old")
                fill(path, 50)
        assert contents(DiskDirectory(path)) == cached.get()

    def test_a_failure_counts_only_after_all_files_were_looked_at(self, tmp_path):
        path = fill(tmp_path / "keys", 51)
        cached = Reads(DiskDirectory(path, lambda: LATER)).cached
        cached.get()
        (path / "9").write_text("y")  # the last in order of name

        def find(files: dict[str, str]) -> str:
            if "y" not in files.values():
                raise TokenNotRecognized
            return "found"

        assert cached.use(find) == "found"
        with pytest.raises(TokenNotRecognized):
            cached.use(lambda _: find({}))

    def test_after_an_error_the_folder_is_read_until_there_is_none(self, tmp_path):
        path = fill(tmp_path / "keys", 51)

        def build(folder: Directory) -> dict[str, str]:
            found = contents(folder)
            if "garbage" in found.values():
                raise KeysUnusable
            return found

        cached = Cached(DiskDirectory(path, lambda: LATER), build)
        cached.get()
        (path / "9").write_text("garbage")
        for thorough in (True, False, False):
            with pytest.raises(KeysUnusable):
                cached.get(thorough=thorough)
        (path / "9").write_text("y")
        assert cached.get()["9"] == "y"

    def test_a_folder_that_changes_while_it_is_read_is_read_again(self):
        directory = MemoryDirectory({"0": "x"})
        changes = iter("ab")

        def build(folder: Directory) -> list[str]:
            names = folder.names()
            if change := next(changes, None):
                folder.write(change, "")
            return names

        cached = Cached(directory, build)
        assert [cached.get() for _ in range(4)] == [["0"], ["0", "a"], ["0", "a", "b"], ["0", "a", "b"]]

    def test_a_folder_that_is_gone_is_an_error_and_then_found_again(self, tmp_path):
        path = tmp_path / "keys"
        path.mkdir()
        cached = Reads(DiskDirectory(path, lambda: LATER)).cached
        for _ in range(3):
            cached.get()
        path.rename(tmp_path / "away")
        with pytest.raises(KeysNotFound):
            cached.get()
        (tmp_path / "away").rename(path)
        assert cached.get() == {}

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        steps=st.lists(
            st.tuples(
                st.sampled_from(["write", "rename", "remove", "touch"]), st.sampled_from("012"), st.sampled_from("ab")
            )
        )
    )
    def test_however_fast_the_changes_follow_none_is_missed(self, tmp_path_factory, steps):
        """The clock that stamps files is as late as the last change, so nothing has settled."""
        path: Path = tmp_path_factory.mktemp("keys")
        cached = Reads(DiskDirectory(path, lambda: path.stat().st_ctime_ns)).cached
        for kind, name, text in steps:
            file = path / name
            if kind == "write" or not file.exists():
                file.write_text(text)
            elif kind == "rename":
                file.rename(path / text)
            elif kind == "remove":
                file.unlink()
            else:
                file.touch()
            assert contents(DiskDirectory(path)) == cached.get() == cached.get()


def test_a_rotation_needs_to_write_and_changes_nothing_without(tmp_path, randomness, monkeypatch):
    """The superuser may do everything, so the operating system's answer is played."""

    def closed(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    directory = DiskDirectory(tmp_path / "keys")
    run(set_up(directory, randomness), directory)
    before = contents(directory)
    monkeypatch.setattr(directories.os, "open", closed)
    with pytest.raises(KeysUnusable, match="Permission denied") as caught:
        run(rotate(directory, randomness), directory)
    monkeypatch.undo()
    assert caught.value.subject_status == 500
    assert before == contents(directory)


def test_a_repository_on_disk_rotates_like_one_in_memory(tmp_path, randomness, claims):
    directory = DiskDirectory(tmp_path / "keys", lambda: LATER)
    run(set_up(directory, randomness), directory)
    repository = KeyRepository(directory)
    history = [list(repository.ring().keys)]
    for _ in range(3):
        run(rotate(directory, randomness), directory)
        history.append(list(repository.ring().keys))
    assert history == [[1, 0], [2, 1, 0], [3, 2, 0], [4, 3, 0]]
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
