"""Hierarchies that are no plain line: cross-signs, re-keyed and re-issued CAs, loops, bridges.

Each function changes a scene and says what it did, or returns None where the scene does not suit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.conformance import extensions as ext
from tests.conformance.der_builder import Extension
from tests.conformance.drafts import Draft, Scene, pick
from tests.conformance.hierarchies import make_ca, simple_name

Topology = Callable[[Scene], str | None]


def cross_signed_root(scene: Scene) -> str | None:
    """Another root has signed the root's name and key."""
    if not scene.cas:
        return None
    rng, root = scene.rng, scene.root
    other = _other_root(scene)
    cross = _cross(scene, root, other, "cross(root)")
    return _serve_cross(scene, root, cross, other) + _spoil_cross(scene, cross, rng.random())


def cross_signed_intermediate(scene: Scene) -> str | None:
    """Another root has signed an intermediate's name and key."""
    if len(scene.cas) < 2:
        return None
    target = scene.rng.choice(scene.cas[:-1])
    other = _other_root(scene)
    cross = _cross(scene, target, other, f"cross({target.label})")
    return _serve_cross(scene, target, cross, other) + _spoil_cross(
        scene, cross, scene.rng.random()
    )


def rekeyed_ca(scene: Scene) -> str | None:
    """A CA of the same name with another key exists, and is served or installed too or instead."""
    if not scene.cas:
        return None
    rng = scene.rng
    target = rng.choice(scene.cas)
    twin = target.twin(f"re-keyed {target.label}", key=scene.keys.usual(), serial=target.serial + 7)
    if rng.random() < 0.3:
        twin.ski = target.ski = "none"
        _strip_akis(scene, target)
    if rng.random() < 0.3:
        twin.not_after = scene.moment - timedelta(days=3)
    return _with_twin(scene, target, twin)


def reissued_ca(scene: Scene) -> str | None:
    """A CA has a second certificate of the same name and key, with other dates or extensions."""
    if not scene.cas:
        return None
    rng = scene.rng
    target = rng.choice(scene.cas)
    twin = target.twin(f"re-issued {target.label}", serial=target.serial + 3)
    change = pick(
        rng,
        {
            "dates": 3,
            "expired": 3,
            "no-bc": 1,
            "path-len": 2,
            "key-usage": 1,
            "ski": 1,
            "md5": 1,
            "aki": 1,
        },
    )
    match change:
        case "dates":
            twin.not_after += timedelta(days=900)
        case "expired":
            twin.not_after = scene.moment - timedelta(days=rng.randrange(1, 90))
        case "no-bc":
            twin.drop(ext.BASIC_CONSTRAINTS)
        case "path-len":
            twin.set(ext.BASIC_CONSTRAINTS, ext.basic_constraints(True, 0), critical=True)
        case "key-usage":
            twin.set(ext.KEY_USAGE, ext.key_usage([ext.CRL_SIGN]), critical=True)
        case "ski":
            twin.ski = "other" if target.ski == "key" else "key"
        case "md5":
            twin.scheme = "md5"
        case _:
            twin.aki = "wrong-serial"
    return f"{_with_twin(scene, target, twin)} ({change})"


def rolled_root(scene: Scene) -> str | None:
    """The root has a new key, and the old one signed it (RFC 4210 section 4.4)."""
    if not scene.cas:
        return None
    rng, root = scene.rng, scene.root
    new = root.twin("new root", key=scene.keys.usual(), serial=root.serial + 1)
    old_with_new = root.twin("old with new", issuer=new, serial=root.serial + 2, aki="key")
    new_with_old = new.twin("new with old", issuer=root, serial=root.serial + 3, aki="key")
    scene.served = [draft for draft in scene.served if draft is not root]
    extra = rng.choice(
        ([], [old_with_new], [new_with_old], [old_with_new, new_with_old], [new], [root])
    )
    scene.served += extra
    scene.installed = rng.choice(([root], [new], [new, root], [old_with_new], [new_with_old]))
    if rng.random() < 0.4:
        root.ski = new.ski = old_with_new.ski = new_with_old.ski = "none"
        _strip_akis(scene, root)
    return f"rolled root, served {_labels(extra)}"


def loop(scene: Scene) -> str | None:
    """Two CAs have signed each other."""
    if len(scene.cas) < 2:
        return None
    rng = scene.rng
    low, high = scene.cas[0], scene.cas[1]
    back = high.twin("back", issuer=low, serial=high.serial + 1)
    scene.served.insert(rng.randrange(1, len(scene.served) + 1), back)
    if rng.random() < 0.3 and high in scene.served:
        scene.served.remove(high)
    return "loop"


def bridge(scene: Scene) -> str | None:
    """A bridge CA is cross-certified with the root and with another root."""
    if not scene.cas:
        return None
    rng, root = scene.rng, scene.root
    other = _other_root(scene)
    middle = make_ca(rng, scene.keys, scene.moment, "Bridge", other)
    to_root = _cross(scene, root, middle, "bridge to root")
    back = middle.twin("bridge from root", issuer=root, serial=middle.serial + 1)
    far = other.twin("other by bridge", issuer=middle, serial=other.serial + 1)
    scene.served = [draft for draft in scene.served if draft is not root]
    extra = [to_root, middle]
    extra += [draft for draft in (back, far, root) if rng.random() < 0.35]
    if rng.random() < 0.4:
        rng.shuffle(extra)
    scene.served += extra
    scene.installed = [rng.choice((other, other, root, middle))]
    return "bridge"


def mesh(scene: Scene) -> str | None:
    """Several CAs of one name, each with its own key, signed by each other."""
    if not scene.cas:
        return None
    rng = scene.rng
    issuer = scene.cas[0]
    count = rng.randrange(2, 5)
    crowd = [
        issuer.twin(f"mesh {i}", key=scene.keys.usual(), serial=issuer.serial + i + 1)
        for i in range(count)
    ]
    for draft in crowd:
        draft.issuer = rng.choice([issuer, *crowd, scene.root])
        draft.aki = rng.choice(("none", "key"))
    position = rng.randrange(1, len(scene.served) + 1)
    scene.served[position:position] = crowd
    if rng.random() < 0.3:
        scene.leaf.aki = "none"
    return f"mesh of {count}"


def web(scene: Scene) -> str | None:
    """CAs of different names that have signed each other's keys, this way and that."""
    if not scene.cas:
        return None
    rng = scene.rng
    count = rng.randrange(2, 4)
    partners = [
        make_ca(rng, scene.keys, scene.moment, f"Partner {i}", scene.root) for i in range(count)
    ]
    cas = [scene.cas[0], *partners]
    crosses = [
        subject.twin(f"{subject.label} by {issuer.label}", issuer=issuer, serial=subject.serial + i)
        for subject in cas
        for i, issuer in enumerate(cas, 1)
        if issuer is not subject and rng.random() < 0.7
    ]
    rng.shuffle(crosses)
    scene.served = [draft for draft in scene.served if rng.random() < 0.85 or draft is scene.leaf]
    scene.served += crosses[: rng.randrange(2, 7)]
    scene.installed = [rng.choice((scene.root, scene.root, scene.cas[0], *partners))]
    return f"web of {count + 1}, {scene.installed[0].label} installed"


def same_names(scene: Scene) -> str | None:
    """Two certificates in one line have one name."""
    if not scene.cas:
        return None
    rng = scene.rng
    line = [scene.leaf, *scene.cas]
    first, second = rng.sample(line, 2)
    first.rdns = second.rdns
    return f"{first.label} is named as {second.label}"


def same_keys(scene: Scene) -> str | None:
    """Two certificates in one line have one key."""
    if not scene.cas:
        return None
    first, second = scene.rng.sample([scene.leaf, *scene.cas], 2)
    first.key = second.key
    return f"{first.label} has the key of {second.label}"


def self_signed_leaf(scene: Scene) -> str | None:
    """The server certificate signs itself; what is installed is it, its renewal or another."""
    rng, leaf = scene.rng, scene.leaf
    leaf.issuer = None
    renewed = leaf.twin("renewed leaf", serial=leaf.serial + 1)
    renewed.not_after += timedelta(days=100)
    if rng.random() < 0.5:
        ca = Extension(ext.BASIC_CONSTRAINTS, ext.basic_constraints(True), critical=True)
        leaf.extensions[ext.BASIC_CONSTRAINTS] = renewed.extensions[ext.BASIC_CONSTRAINTS] = ca
        bits = ext.key_usage([ext.DIGITAL_SIGNATURE, ext.KEY_CERT_SIGN])
        leaf.set(ext.KEY_USAGE, bits)
        renewed.set(ext.KEY_USAGE, bits)
    rekeyed = renewed.twin("re-keyed leaf", key=scene.keys.usual())
    scene.cas = []
    scene.served = rng.choice(([leaf], [leaf], [leaf, leaf], [leaf, renewed]))
    scene.installed = [rng.choice((leaf, leaf, renewed, rekeyed))]
    return "self-signed leaf"


def renewed_leaf(scene: Scene) -> str | None:
    """The pinned leaf was renewed, with the same key or another."""
    leaf = scene.leaf
    old = leaf.twin("old leaf", serial=leaf.serial + 1)
    old.not_after = scene.moment + timedelta(days=scene.rng.randrange(-40, 40))
    if scene.rng.random() < 0.5:
        old.key = scene.keys.usual()
    scene.installed = [old]
    if scene.rng.random() < 0.3:
        scene.served.append(old)
    return "pinned leaf was renewed"


def _other_root(scene: Scene) -> Draft:
    return make_ca(scene.rng, scene.keys, scene.moment, "Other Root", None)


def _cross(scene: Scene, target: Draft, issuer: Draft, label: str) -> Draft:
    cross = target.twin(label, issuer=issuer, serial=target.serial + 5, aki="key")
    cross.not_after = scene.moment + timedelta(days=scene.rng.randrange(1, 900))
    return cross


def _serve_cross(scene: Scene, target: Draft, cross: Draft, other: Draft) -> str:
    """Serves the cross-sign besides or instead of what it crosses, and installs one root."""
    rng = scene.rng
    without = [draft for draft in scene.served if draft is not target]
    shape = pick(rng, {"instead": 4, "after": 4, "before": 2, "with other": 2, "not": 1})
    match shape:
        case "instead":
            scene.served = [cross if draft is target else draft for draft in scene.served]
            if cross not in scene.served:
                scene.served.append(cross)
        case "after":
            scene.served.append(cross)
        case "before":
            scene.served.insert(1, cross)
        case "with other":
            scene.served = [*without, cross, other]
        case _:
            scene.served = without
    choices = ([other], [other], [scene.root], [target], [cross], [other, scene.root])
    scene.installed = list(rng.choice(choices))
    return f"{cross.label} served {shape}, installed {_labels(scene.installed)}"


def _spoil_cross(scene: Scene, cross: Draft, chance: float) -> str:
    if chance < 0.2:
        cross.not_after = scene.moment - timedelta(days=1)
        return ", cross expired"
    if chance < 0.26:
        cross.set(ext.BASIC_CONSTRAINTS, ext.basic_constraints(True, 0), critical=True)
        return ", cross pathLen 0"
    if chance < 0.3:
        cross.rdns = simple_name("Somebody Else")
        return ", cross of another name"
    return ""


def _with_twin(scene: Scene, target: Draft, twin: Draft) -> str:
    """Serves *twin* besides or instead of *target*, or installs it."""
    rng = scene.rng
    shape = pick(rng, {"instead": 3, "after": 2, "before": 2, "installed": 4, "both installed": 2})
    if shape in ("instead", "after", "before") and target not in scene.served:
        scene.served.append(target)
    match shape:
        case "instead":
            scene.served = [twin if draft is target else draft for draft in scene.served]
        case "after":
            scene.served.insert(scene.served.index(target) + 1, twin)
        case "before":
            scene.served.insert(max(scene.served.index(target), 1), twin)
        case "installed":
            scene.installed = [twin]
        case _:
            scene.installed = rng.sample([target, twin], 2)
    return f"{twin.label}: {shape}"


def _strip_akis(scene: Scene, issuer: Draft) -> None:
    for draft in scene.everyone():
        if draft.issuer is issuer:
            draft.aki = "none"


def _labels(drafts: list[Draft]) -> str:
    return ", ".join(draft.label for draft in drafts) or "nothing"


TOPOLOGIES: dict[Topology, float] = {
    cross_signed_root: 5,
    cross_signed_intermediate: 4,
    rekeyed_ca: 5,
    reissued_ca: 5,
    rolled_root: 3,
    loop: 2,
    bridge: 2,
    mesh: 2,
    web: 2,
    same_names: 2,
    same_keys: 1,
    self_signed_leaf: 3,
    renewed_leaf: 1,
}
