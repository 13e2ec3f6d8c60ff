"""The files of the object cache: whole ones are found, all others are refused and removed."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusegrad.codegen.objects import cache, host
from fusegrad.codegen.objects.cache import CacheWarning, Entry
from fusegrad.codegen.program import key_of_program, load_program, program_of
from fusegrad.ir import Graph, GraphBuilder, TensorType
from fusegrad.ir.passes.pipeline import CLEAN, LOWER

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and rights of POSIX")
ENTRY = Entry({"arena": 3, "names": ["a", "b"]}, bytes(range(256)))
F64 = TensorType("f64", (3,))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own."""
    monkeypatch.setenv("FUSEGRAD_CACHE", "1")
    monkeypatch.setenv("FUSEGRAD_CACHE_DIR", str(tmp_path / "cache"))
    _forget()
    yield tmp_path / "cache"
    _forget()


def _forget() -> None:
    cache._checked.cache_clear()
    cache._warn_once.cache_clear()


def stored(text: str = "a module") -> str:
    key = cache.key_of("test", text)
    assert key is not None
    assert cache.store(key, ENTRY)
    return key


def file_of(place: Path, key: str) -> Path:
    return place / (key + cache.SUFFIX)


# --- files ---


def test_what_is_stored_is_found(place: Path) -> None:
    key = stored()
    found = cache.load(key)
    assert found is not None
    assert (found.facts, found.code) == (ENTRY.facts, ENTRY.code)
    assert [x.name for x in place.iterdir()] == [key + cache.SUFFIX]
    assert cache.load("0" * 64) is None


@posix
def test_files_are_the_user_s_own(place: Path) -> None:
    key = stored()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(place, key).stat().st_mode) == 0o600


@given(st.data())
def test_no_damaged_file_is_used(data: Any) -> None:
    key = stored()
    path = file_of(Path(os.environ["FUSEGRAD_CACHE_DIR"]), key)
    whole = path.read_bytes()
    kind = data.draw(st.sampled_from(["flip", "cut", "grow"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if kind == "flip":
        bit = 1 << data.draw(st.integers(0, 7))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
    else:
        path.write_bytes(whole[:at] if kind == "cut" else whole + bytes(at + 1))
    assert cache.load(key) is None
    assert not path.exists()
    assert cache.store(key, ENTRY)  # made anew
    assert cache.load(key) is not None


def test_a_file_under_another_name_is_not_used(place: Path) -> None:
    one, other = stored("one"), stored("other")
    file_of(place, one).replace(file_of(place, other))
    assert cache.load(other) is None
    assert not file_of(place, other).exists()


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_used(place: Path, mode: int) -> None:
    key = stored()
    file_of(place, key).chmod(mode)
    assert cache.load(key) is None
    assert not file_of(place, key).exists()


@posix
def test_links_are_not_followed(place: Path, tmp_path: Path) -> None:
    key = stored()
    file_of(place, key).rename(tmp_path / "elsewhere")
    file_of(place, key).symlink_to(tmp_path / "elsewhere")
    assert cache.load(key) is None
    assert (tmp_path / "elsewhere").exists()


def test_a_full_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored("room for this")

    def write(path: Path, data: bytes) -> None:
        path.write_bytes(data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "_write", write)
    key = cache.key_of("test", "no room")
    assert key is not None
    with pytest.warns(CacheWarning, match="can't be written: .*No space left"):
        assert not cache.store(key, ENTRY)
    with warnings.catch_warnings():  # told once
        warnings.simplefilter("error")
        assert not cache.store(key, ENTRY)
    assert len(list(place.iterdir())) == 1
    assert cache.load(key) is None


def test_old_files_make_room(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [stored(f"module {i}") for i in range(10)]
    now = time.time()
    for age, key in enumerate(keys):
        os.utime(file_of(place, key), (now - 100 * age - 10_000, now - 100 * age - 10_000))
    (place / "left.1.2.tmp").touch()
    os.utime(place / "left.1.2.tmp", (1, 1))
    (place / "written.1.2.tmp").touch()
    cache.load(keys[9])  # used again
    size = file_of(place, keys[0]).stat().st_size
    monkeypatch.setattr(cache, "MAX_BYTES", 8 * size)
    cache._trim(place)
    left = [key for key in keys if file_of(place, key).exists()]
    assert left == [*keys[:5], keys[9]]
    assert not (place / "left.1.2.tmp").exists()
    assert (place / "written.1.2.tmp").exists()


# --- the directory ---


def test_switched_off(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FUSEGRAD_CACHE", "0"), ("FUSEGRAD_VERIFY", "1")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert cache.key_of("test", "text") is None
            assert cache.why_off() is not None
    assert cache.why_off() is None
    monkeypatch.setenv("FUSEGRAD_CACHE", "0")
    _forget()
    assert cache.directory() is None


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_can_write_is_refused(place: Path, mode: int) -> None:
    place.mkdir()
    place.chmod(mode)
    with pytest.warns(CacheWarning, match="can be written by other users.*chmod go-w"):
        assert cache.key_of("test", "text") is None
    assert "can be written" in str(cache.why_off())
    assert not list(place.iterdir())


@posix
def test_a_directory_of_somebody_else_is_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.mkdir()
    own = os.geteuid()
    monkeypatch.setattr(cache.os, "geteuid", lambda: own + 1)
    with pytest.warns(CacheWarning, match="belongs to another user"):
        assert cache.key_of("test", "text") is None
    with warnings.catch_warnings():  # told once
        warnings.simplefilter("error")
        assert cache.key_of("test", "text") is None


@posix
def test_a_directory_that_can_be_exchanged_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("FUSEGRAD_CACHE_DIR", str(open_to_all / "cache"))
    with pytest.warns(CacheWarning, match="which everybody can write"):
        assert cache.directory() is None
    _forget()
    open_to_all.chmod(0o1777)  # as /tmp: nobody can remove what belongs to others
    assert cache.directory() is not None


def test_a_directory_that_can_not_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FUSEGRAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(CacheWarning, match="can't be kept in"):
        assert cache.key_of("test", "text") is None


def test_the_user_s_own_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FUSEGRAD_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache._place() == str(tmp_path / ".cache" / "fusegrad")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache._place() == str(tmp_path / "x" / "fusegrad")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache._place() == str(tmp_path / ".cache" / "fusegrad")


# --- keys ---


def graph(build: Any, name: str = "f", types: tuple[TensorType, ...] = (F64,)) -> Graph:
    builder = GraphBuilder(name)
    inputs = [builder.input(type, f"{name}{i}") for i, type in enumerate(types)]
    return builder.build([build(builder, *inputs)])


def test_names_do_not_matter() -> None:
    one, other = (graph(lambda b, x: b("tanh", x), name) for name in ("one", "other"))
    assert key_of_program(one, ()) == key_of_program(other, ())


def test_everything_else_does() -> None:
    def plus(number: float) -> Any:
        return lambda b, x: b("add", x, b.constant(number, x.type))

    graphs = [
        graph(lambda b, x: b("tanh", x)),
        graph(lambda b, x: b("sin", x)),
        graph(lambda b, x: b("tanh", x), types=(TensorType("f32", (3,)),)),
        graph(lambda b, x: b("tanh", x), types=(TensorType("f64", (4,)),)),
        graph(lambda b, x: b("sum", x, axes=(0,))),
        graph(lambda b, x, y: b("sub", x, y), types=(F64, F64)),
        graph(lambda b, x, y: b("sub", y, x), types=(F64, F64)),
        *(graph(plus(number)) for number in (0.0, -0.0, 1.0, float("inf"), float("nan"))),
        graph(lambda b, x: b("add", x, b.constant(1.0, x.type)), types=(TensorType("f64", ()),)),
    ]
    keys = [key_of_program(one, ()) for one in graphs]
    keys += [key_of_program(graphs[0], purpose) for purpose in ((1,), (1.0,), ("1",), ((1,),))]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_what_is_no_plain_data_is_not_cached() -> None:
    assert key_of_program(graph(lambda b, x: b("tanh", x)), object()) is None


def test_sources_are_part_of_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in host._SOURCES:
        (tmp_path / room).mkdir(parents=True)
    source = tmp_path / "codegen" / "kernel.py"
    source.write_text("a = 1\n")
    monkeypatch.setattr(host.loaded, "__file__", str(tmp_path / "ir" / "loaded.py"))
    with pytest.raises(host.UnknownHostError, match="has changed since it was loaded"):
        host._sources()
    monkeypatch.setattr(host, "LOADED", time.time() + 1e6)
    before = host._sources()
    assert host._sources() == before
    time.sleep(0.02)
    times = source.stat()
    source.write_text("a = 2\n")
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if it were the old one
    if sys.platform != "win32":
        assert host._sources() != before


def test_sources_that_change_while_they_are_in_use(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = stored("before")
    sources = host._sources()
    monkeypatch.setattr(host, "_sources", lambda: [*sources, "and another"])
    assert not cache.store(key, ENTRY)  # some of the new ones may have made it


# --- programs ---


def passes() -> Any:
    return (*CLEAN, *LOWER)


def test_a_program_comes_back(place: Path) -> None:
    source = graph(lambda b, x: b("tanh", b("mul", x, x)))
    made, found = program_of(source, passes()), program_of(source, passes())
    assert (made.loaded, found.loaded) == (False, True)
    assert (found.facts, found.code) == (made.facts, made.code)
    assert found.module.llvm == made.module.llvm  # made anew from the graph


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": 3},
        {"inputs": [["f64"]]},
        {"arena": "much"},
        {"imports": None},
        {"libraries": 1},
        {"sizes": [1]},
    ],
)
def test_a_header_of_another_form_is_not_used(place: Path, wrong: dict[str, Any]) -> None:
    source = graph(lambda b, x: b("tanh", x))
    program_of(source, passes())
    key = key_of_program(source, ("passes", tuple(run.__name__ for run in passes())))
    assert key is not None
    entry = cache.load(key)
    assert entry is not None
    cache.store(key, Entry({**entry.facts, **wrong}, entry.code))
    assert load_program(key, lambda: source) is None
    assert not file_of(place, key).exists()
    assert not program_of(source, passes()).loaded
