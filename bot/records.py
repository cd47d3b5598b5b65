"""Records with slots: what ``@dataclass(frozen=True, slots=True)`` gives, at a tenth of its price.

`dataclasses` compiles seven methods for every class when it is made, whether the class is used or not:
a third of what a whole ``whichroot check`` took was spent on that. Here a class shares its methods with
all others, and its ``__init__`` is compiled once so many instances are made that it pays. For everybody
else it is a dataclass: `dataclasses.replace`, ``fields`` and ``asdict``, pydantic and mypy take it for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from inspect import get_annotations
from operator import attrgetter
from types import MemberDescriptorType
from typing import Any, Final, NoReturn, TypeVar, dataclass_transform, overload

C = TypeVar("C", bound=type)

#: What a class has of its own accord and a class that is made anew must not be given.
_OWN: Final = ("__dict__", "__weakref__")

#: To compile ``__init__`` takes as long as it saves in about so many instances.
_PAYS_AFTER: Final = 40


@overload
def record(cls: C, /) -> C: ...
@overload
def record(*, frozen: bool = True, slots: bool = True, eq: bool = True) -> Callable[[C], C]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(
    cls: C | None = None, /, *, frozen: bool = True, slots: bool = True, eq: bool = True
) -> Any:
    """Makes a class whose annotations name its fields a record. Fields have defaults, or
    `dataclasses.field` with ``default``, ``default_factory``, ``repr`` and ``compare``.

    ``frozen``: assigning to a field raises `dataclasses.FrozenInstanceError`; else instances have no
    hash unless ``eq`` is False. ``slots`` False: they have a ``__dict__``, as
    `functools.cached_property` needs. ``eq`` False: each equals itself alone."""
    if cls is None:
        return lambda made: _made(made, frozen=frozen, slots=slots, eq=eq)
    return _made(cls, frozen=frozen, slots=slots, eq=eq)


def _made(cls: type, *, frozen: bool, slots: bool, eq: bool) -> type:
    own = tuple(get_annotations(cls))
    fields: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        fields |= base.__dict__.get("__record_fields__", {})
    fields |= {name: cls.__dict__.get(name, MISSING) for name in own}
    content = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in fields and name not in _OWN
    }
    if slots:
        content["__slots__"] = own
    else:
        # Without slots a default can be had from the class, as from a dataclass.
        content |= {
            name: default for name in own if (default := _default(fields[name])) is not MISSING
        }
    if eq:
        key = _getter([name for name, given in fields.items() if _is_compared(given)])
        content.setdefault("__eq__", _equality(key))
        if content.get("__hash__") is None:
            content["__hash__"] = _hashing(key) if frozen else None
    if frozen:
        content["__setattr__"] = content["__delattr__"] = _refusing
    content.setdefault("__repr__", _showing)
    content.setdefault("__reduce__", _reducing)
    content["__match_args__"] = tuple(fields)
    content["__record_fields__"] = fields
    content["__dataclass_fields__"] = _DataclassFields()
    made = type(cls)(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    # mypy takes whatever assigns to __init__ for a mistake; here it is the point.
    made.__init__ = _beginning(made, fields)  # type: ignore[misc]
    return made


def _beginning(made: type, fields: Mapping[str, Any]) -> Callable[..., None]:
    """``__init__`` of the first instances."""
    defaults = {
        name: default
        for name, given in fields.items()
        if (default := _default(given)) is not MISSING
    }
    simple = not any(_factory(given) for given in fields.values())
    names = tuple(fields)
    left = _PAYS_AFTER
    assign = object.__setattr__

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807  it is installed as such
        nonlocal left
        left -= 1
        if left > 0 and simple:
            given = dict(zip(names, arguments, strict=False)) | named
            values = defaults | given
            if len(given) == len(arguments) + len(named) and values.keys() == fields.keys():
                for name, value in values.items():
                    assign(self, name, value)
                return
        # It pays, or the arguments are wrong and what is compiled says how.
        compiled = _compiled(made, fields)
        made.__init__ = compiled  # type: ignore[misc]  # as above
        compiled(self, *arguments, **named)

    return __init__


def _compiled(made: type, fields: Mapping[str, Any]) -> Callable[..., None]:
    """``__init__`` with a parameter for each field."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_MISSING": MISSING}
    slots = {
        name: slot
        for base in made.__mro__
        for name, slot in base.__dict__.items()
        if isinstance(slot, MemberDescriptorType)
    }
    parameters, body = ["self"], []
    for name, given in fields.items():
        value = name
        if factory := _factory(given):
            names[f"_made_{name}"] = factory
            parameters.append(f"{name}=_MISSING")
            value = f"_made_{name}() if {name} is _MISSING else {name}"
        elif (default := _default(given)) is not MISSING:
            names[f"_default_{name}"] = default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        if name in slots:
            names[f"_set_{name}"] = slots[name].__set__
            body.append(f"    _set_{name}(self, {value})")
        else:
            body.append(f"    _set(self, {name!r}, {value})")
    source = "\n".join([f"def __init__({', '.join(parameters)}):", *(body or ["    pass"])])
    defined: dict[str, Any] = {}
    # The names are those of a class's own annotations; nothing from outside gets here.
    exec(source, names, defined)  # noqa: S102
    compiled: Callable[..., None] = defined["__init__"]
    compiled.__qualname__ = f"{made.__qualname__}.__init__"
    return compiled


def _default(given: Any) -> Any:
    return given.default if isinstance(given, Field) else given


def _factory(given: Any) -> Callable[[], Any] | None:
    if isinstance(given, Field) and given.default_factory is not MISSING:
        return given.default_factory
    return None


def _is_compared(given: Any) -> bool:
    return given.compare if isinstance(given, Field) else True


def _getter(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()


def _equality(key: Callable[[Any], Any]) -> Callable[[Any, object], Any]:
    def __eq__(self: Any, other: object) -> Any:  # noqa: N807  it is installed as such
        if other.__class__ is self.__class__:
            return key(self) == key(other)
        return NotImplemented

    return __eq__


def _hashing(key: Callable[[Any], Any]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:  # noqa: N807  it is installed as such
        return hash(key(self))

    return __hash__


def _showing(self: Any) -> str:
    shown = ", ".join(
        f"{name}={getattr(self, name)!r}"
        for name, given in type(self).__record_fields__.items()
        if not isinstance(given, Field) or given.repr
    )
    return f"{type(self).__qualname__}({shown})"


def _reducing(self: Any) -> tuple[type, tuple[Any, ...]]:
    cls = type(self)
    return cls, tuple(getattr(self, name) for name in cls.__record_fields__)


def _refusing(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r} of a {type(self).__qualname__}")


class _DataclassFields:
    """``__dataclass_fields__`` of a record, made when first asked for."""

    def __get__(self, instance: object, owner: Any) -> Mapping[str, Field[Any]]:
        annotations: dict[str, Any] = {}
        for base in reversed(owner.__mro__):
            if "__record_fields__" in base.__dict__:
                annotations |= get_annotations(base)
        given = {n: v for n, v in owner.__record_fields__.items() if v is not MISSING}
        # With a docstring, or `dataclasses` would make one, which takes longer than all else.
        content = {
            **given,
            "__annotations__": annotations,
            "__module__": owner.__module__,
            "__doc__": "Its fields.",
        }
        made: Any = dataclass(init=False, repr=False, eq=False)(type(owner.__name__, (), content))
        fields: Mapping[str, Field[Any]] = made.__dataclass_fields__
        owner.__dataclass_fields__ = fields
        return fields
