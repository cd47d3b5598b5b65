"""Changes DER with regard to its structure: lengths stay right, so that readers get far."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from tests.support.authority import der

_MAX_DEPTH: Final = 24
_INTERESTING: Final = (
    b"",
    b"\x00",
    b"\xff",
    b"\x80",
    b"\x7f" * 9,
    b"\xff" * 20,
    b"\x00\xff",
    b"*",
    b"*.example.test",
    b"\x1b[31m",
    b"<!channel>",
    "\u202egro.elpmaxe".encode(),
    b"\xd8\x00",
    b"a" * 300,
    b"250101000000Z",
    b"99991231235959Z",
    b"00000101000000Z",
    b"20250230250000Z",
    b"http://[::1",
    b"ldap:///CN=x",
    b"file:///etc/passwd",
)
_TAGS: Final = (
    *(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1C, 0x1E),
    *(0x30, 0x31, 0x80, 0x81, 0x82, 0x86, 0x87, 0xA0, 0xA3, 0xA4, 0x24, 0x1F, 0x9F),
)


@dataclass(slots=True)
class Node:
    """One element: ``children`` where its content is elements again, behind ``prefix``."""

    tag: int
    content: bytes = b""
    children: list[Node] | None = None
    prefix: bytes = b""

    def encoded(self) -> bytes:
        if self.children is None:
            return der(self.tag, self.content)
        inner = b"".join(child.encoded() for child in self.children)
        return der(self.tag, self.prefix + inner)


@dataclass(slots=True)
class _Place:
    parent: Node
    index: int
    node: Node = field(init=False)

    def __post_init__(self) -> None:
        assert self.parent.children is not None
        self.node = self.parent.children[self.index]


def elements(data: bytes, depth: int = 0) -> list[Node] | None:
    """The elements that ``data`` is made of; None where it is not."""
    found: list[Node] = []
    at = 0
    while at < len(data):
        if len(data) - at < 2 or data[at] & 0x1F == 0x1F or depth > _MAX_DEPTH:
            return None
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 3 or start + count > len(data):
                return None
            size = int.from_bytes(data[start : start + count], "big")
            start += count
        if start + size > len(data):
            return None
        content = data[start : start + size]
        at = start + size
        found.append(_node(tag, content, depth))
    return found


def _node(tag: int, content: bytes, depth: int) -> Node:
    if tag & 0x20 and (children := elements(content, depth + 1)) is not None:
        return Node(tag, children=children)
    # Extensions are DER in an OCTET STRING, keys in a BIT STRING.
    prefix, is_nested = b"", tag == 0x04 and content[:1] in (b"\x30", b"\x03", b"\x04")
    if tag == 0x03 and content[:2] == b"\x00\x30":
        prefix, is_nested = b"\x00", True
    nested = elements(content[len(prefix) :], depth + 1) if is_nested else None
    return Node(tag, content) if nested is None else Node(tag, children=nested, prefix=prefix)


def changed(data: bytes, source: random.Random) -> bytes:
    """``data`` with one to three elements changed; as it is where it is no DER."""
    roots = elements(data)
    if not roots:
        return _damaged(data, source)
    top = Node(0x30, children=roots)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        change(top, source)
    assert top.children is not None
    return b"".join(child.encoded() for child in top.children)


def change(top: Node, source: random.Random) -> None:
    """Changes one element below ``top``."""
    places = _places(top)
    if not places:
        return
    place = source.choice(places)
    siblings = place.parent.children
    assert siblings is not None
    node = place.node
    match source.randrange(9):
        case 0:
            del siblings[place.index]
        case 1:
            siblings.insert(place.index, _closed(node))
        case 2:
            siblings[place.index] = _closed(source.choice(places).node)
        case 3:
            siblings.insert(
                source.randrange(len(siblings) + 1), _closed(source.choice(places).node)
            )
        case 4:
            siblings[place.index] = Node(source.choice(_TAGS), _content(node))
        case 5:
            siblings[place.index] = Node(node.tag, source.choice(_INTERESTING))
        case 6:
            copies = source.choice((2, 10, 100))
            siblings[place.index : place.index + 1] = [_closed(node)] * copies
        case 7:
            siblings[place.index] = Node(node.tag, _damaged(_content(node), source))
        case _:
            siblings[place.index] = Node(node.tag, source.randbytes(source.randrange(24)))


def _closed(node: Node) -> Node:
    """A copy, whose parts are not changed any more: no element may come to lie in itself."""
    return Node(node.tag, _content(node))


def _content(node: Node) -> bytes:
    if node.children is None:
        return node.content
    return node.prefix + b"".join(child.encoded() for child in node.children)


def _places(top: Node) -> list[_Place]:
    found: list[_Place] = []
    waiting = [top]
    while waiting and len(found) < 2000:
        node = waiting.pop()
        for index, child in enumerate(node.children or ()):
            found.append(_Place(node, index))
            if child.children:
                waiting.append(child)
    return found


def _damaged(data: bytes, source: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(changed) + 1)
        match source.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([source.randrange(256)])
            case 1:
                del changed[at : at + source.randint(1, 8)]
            case 2:
                changed[at:at] = source.randbytes(source.randint(1, 4))
            case _:
                changed[at:at] = source.choice(_INTERESTING)
    return bytes(changed)
