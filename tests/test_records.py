"""A record is what a frozen dataclass with slots is."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.records import record

#: More instances than are made before ``__init__`` is compiled.
MANY = 100


@record
class Base:
    a: int
    b: str = "b"


@record
class Derived(Base):
    c: tuple[int, ...] = ()
    d: list[int] = field(default_factory=list)
    e: str = field(default="", repr=False, compare=False)


@record(slots=False)
class Cached:
    a: int

    @cached_property
    def twice(self) -> int:
        return 2 * self.a


@record(frozen=False)
class Open:
    a: int
    b: list[int] = field(default_factory=list)


@record(eq=False)
class Itself:
    a: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class PlainBase:
    a: int
    b: str = "b"


@record
class Empty:
    pass


@pytest.mark.parametrize("_", range(MANY))
def test_every_instance_is_made_alike(_: int) -> None:
    assert (Base(1).a, Base(1).b, Base(b="x", a=2).b) == (1, "b", "x")
    made = Derived(1, c=(2,))
    assert (made.a, made.b, made.c, made.d, made.e) == (1, "b", (2,), [], "")
    assert Derived(1).d is not Derived(1).d
    assert Empty() == Empty()


WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((1, "x", 3), {}),
    ((1,), {"a": 1}),
    ((1,), {"z": 1}),
    ((), {"b": "x"}),
]


@pytest.mark.parametrize(("arguments", "named"), WRONG)
@pytest.mark.parametrize("before", [0, MANY])
def test_wrong_arguments_are_refused_in_the_words_of_a_dataclass(
    arguments: tuple[Any, ...], named: dict[str, Any], before: int
) -> None:
    @record
    class Ours:
        a: int
        b: str = "b"

    for number in range(before):
        Ours(number)
    with pytest.raises(TypeError) as theirs:
        PlainBase(*arguments, **named)
    with pytest.raises(TypeError) as ours:
        Ours(*arguments, **named)
    assert str(ours.value).rpartition("__init__")[2] == str(theirs.value).rpartition("__init__")[2]


def test_fields_cannot_be_changed_and_there_are_no_others() -> None:
    made: Any = Base(1)
    with pytest.raises(FrozenInstanceError):
        made.a = 2
    with pytest.raises(FrozenInstanceError):
        del made.a
    with pytest.raises(AttributeError):
        made.other = 1
    assert not hasattr(made, "__dict__")
    changeable = Open(1)
    changeable.a = 2
    changeable.b.append(1)
    assert changeable == Open(2, [1])


def test_equality_and_hash_are_those_of_the_compared_fields() -> None:
    assert Base(1) == Base(1, "b")
    assert Base(1) != Base(2)
    alike: object = PlainBase(1)
    assert Base(1) != alike
    assert hash(Base(1)) == hash(Base(1))
    assert Derived(1, e="x") == Derived(1, e="y")
    assert Itself() != Itself()
    assert len({Itself(), Itself()}) == 2
    assert Open.__hash__ is None


def test_it_shows_itself_as_a_dataclass_does() -> None:
    assert repr(Base(1)) == repr(PlainBase(1)).replace("PlainBase", "Base")
    assert repr(Derived(1, e="secret")) == "Derived(a=1, b='b', c=(), d=[])"


def test_for_the_standard_library_it_is_a_dataclass() -> None:
    assert [each.name for each in fields(Derived)] == ["a", "b", "c", "d", "e"]
    assert asdict(Derived(1)) == {"a": 1, "b": "b", "c": (), "d": [], "e": ""}
    changed = replace(Derived(1), c=(3,))
    assert (changed.a, changed.c) == (1, (3,))
    assert is_dataclass(Derived(1))
    match Base(1, "z"):
        case Base(a, b):
            assert (a, b) == (1, "z")


@pytest.mark.parametrize("made", [Base(1, "x"), Derived(1, d=[2]), Cached(3), Open(1)])
def test_it_can_be_copied_and_pickled(made: Any) -> None:
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.copy(made) == made
    assert copy.deepcopy(made) == made


def test_without_slots_properties_can_be_kept() -> None:
    made = Cached(4)
    assert (made.twice, made.twice) == (8, 8)
    assert "twice" in vars(made)


def test_pydantic_reads_and_describes_it() -> None:
    adapter = TypeAdapter(Derived)
    read = adapter.validate_python({"a": "7", "c": [1, 2]})
    assert read == Derived(7, c=(1, 2))
    assert set(adapter.json_schema()["properties"]) == {"a", "b", "c", "d", "e"}
    assert adapter.dump_python(read)["c"] == (1, 2)
