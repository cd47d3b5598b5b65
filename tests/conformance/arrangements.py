"""What a server sends of its chain, and what somebody installed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.conformance.drafts import Scene
from tests.conformance.hierarchies import make_ca, make_leaf, simple_name

Arrangement = Callable[[Scene], str | None]


def intermediate_missing(scene: Scene) -> str | None:
    """One certificate above the leaf is not sent."""
    if len(scene.served) < 2:
        return None
    gone = scene.served.pop(scene.rng.randrange(1, len(scene.served)))
    return f"{gone.label} not served"


def only_leaf(scene: Scene) -> str | None:
    """The leaf alone is sent."""
    if len(scene.served) < 2:
        return None
    scene.served = scene.served[:1]
    return "only the leaf served"


def misordered(scene: Scene) -> str | None:
    """The certificates after the leaf are in another order."""
    if len(scene.served) < 3:
        return None
    rest = scene.served[1:]
    scene.rng.shuffle(rest)
    scene.served = [scene.served[0], *rest]
    return "misordered"


def reversed_order(scene: Scene) -> str | None:
    """The leaf comes last."""
    scene.served.reverse()
    return "reversed"


def leaf_not_first(scene: Scene) -> str | None:
    """Another certificate comes first."""
    if len(scene.served) < 2:
        return None
    scene.rng.shuffle(scene.served)
    return "shuffled"


def repeated(scene: Scene) -> str | None:
    """One certificate is sent twice."""
    draft = scene.rng.choice(scene.served)
    scene.served.insert(scene.rng.randrange(1, len(scene.served) + 1), draft)
    return f"{draft.label} served twice"


def unrelated_served(scene: Scene) -> str | None:
    """One or two certificates of somebody else are sent too."""
    rng = scene.rng
    count = rng.choice((1, 1, 2))
    for index in range(count):
        stranger = make_ca(rng, scene.keys, scene.moment, f"Stranger {index}", None)
        scene.served.insert(rng.randrange(1, len(scene.served) + 1), stranger)
    return f"{count} unrelated served"


def another_leaf_served(scene: Scene) -> str | None:
    """A second server certificate of the same issuer is sent too."""
    if not scene.cas:
        return None
    rng = scene.rng
    other = make_leaf(rng, scene.keys, scene.moment, scene.leaf.issuer, "second.example.org")
    scene.served.insert(rng.randrange(1, len(scene.served) + 1), other)
    return "another leaf served"


def root_served(scene: Scene) -> str | None:
    """The root is sent last."""
    if not scene.cas or scene.root in scene.served:
        return None
    scene.served.append(scene.root)
    return "root served"


def install_issuer(scene: Scene) -> str | None:
    """The leaf's issuer is installed."""
    if not scene.cas:
        return None
    scene.installed = [scene.cas[0]]
    return "issuing CA installed"


def install_any_ca(scene: Scene) -> str | None:
    """Some CA of the chain is installed, and what lies above it is not served."""
    if not scene.cas:
        return None
    level = scene.rng.randrange(len(scene.cas))
    scene.installed = [scene.cas[level]]
    if scene.rng.random() < 0.5:
        above = scene.cas[level:]
        scene.served = [draft for draft in scene.served if draft not in above]
    return f"{scene.cas[level].label} installed"


def install_leaf(scene: Scene) -> str | None:
    """The leaf itself is installed."""
    scene.installed = [scene.leaf]
    if scene.rng.random() < 0.5:
        scene.served = [scene.leaf]
    return "leaf installed"


def install_namesake(scene: Scene) -> str | None:
    """A root of the same name with another key is installed: test and production mixed up."""
    if not scene.cas:
        return None
    rng = scene.rng
    target = rng.choice((scene.root, scene.root, scene.cas[0]))
    twin = target.twin("namesake", key=scene.keys.usual(), serial=target.serial + 11, issuer=None)
    if rng.random() < 0.4:
        for draft in scene.everyone():
            draft.aki = "none"
        twin.ski = "none"
    scene.installed = [twin]
    if rng.random() < 0.3:
        scene.installed.append(target)
        rng.shuffle(scene.installed)
    return f"namesake of {target.label} installed"


def install_stranger(scene: Scene) -> str | None:
    """A root that has nothing to do with the server is installed."""
    stranger = make_ca(scene.rng, scene.keys, scene.moment, "Stranger", None)
    scene.installed = [stranger]
    return "stranger installed"


def install_several(scene: Scene) -> str | None:
    """The right root is installed among others."""
    rng = scene.rng
    crowd = [make_ca(rng, scene.keys, scene.moment, f"Stranger {i}", None) for i in range(2)]
    crowd += rng.sample(scene.cas, rng.randrange(len(scene.cas) + 1))
    crowd += [draft for draft in scene.installed if draft not in crowd]
    rng.shuffle(crowd)
    scene.installed = crowd
    return "several installed"


def install_nothing(scene: Scene) -> str | None:
    """The truststore is empty."""
    scene.installed = []
    return "nothing installed"


def install_root_and_issuer(scene: Scene) -> str | None:
    """The whole chain above the leaf is installed, and some of it not served."""
    if not scene.cas:
        return None
    scene.installed = list(scene.cas)
    scene.rng.shuffle(scene.installed)
    if scene.rng.random() < 0.7:
        scene.served = [scene.leaf]
    return "all CAs installed"


def install_older_root(scene: Scene) -> str | None:
    """The installed root is an earlier or later certificate of the same name and key."""
    if not scene.cas:
        return None
    rng = scene.rng
    twin = scene.root.twin("older root", serial=scene.root.serial + 13)
    twin.not_after = scene.moment + timedelta(days=rng.randrange(-500, 500))
    if rng.random() < 0.3:
        twin.version, twin.extensions = 1, {}
    scene.installed = [twin]
    return "older root installed"


def wrong_intermediate(scene: Scene) -> str | None:
    """The served intermediate is a namesake of the leaf's issuer with another key."""
    if len(scene.cas) < 2:
        return None
    issuer = scene.cas[0]
    twin = issuer.twin("wrong issuer", key=scene.keys.usual(), serial=issuer.serial + 17)
    if scene.rng.random() < 0.5:
        scene.leaf.aki = "none"
    scene.served = [twin if draft is issuer else draft for draft in scene.served]
    return "wrong intermediate of the same name served"


def unconnected_leaf(scene: Scene) -> str | None:
    """The leaf names an issuer that nobody is."""
    scene.leaf.issuer_rdns = simple_name("Nobody")
    return "leaf's issuer is nobody"


SERVED: dict[Arrangement, float] = {
    intermediate_missing: 5,
    only_leaf: 2,
    misordered: 8,
    reversed_order: 1.5,
    leaf_not_first: 2,
    repeated: 5,
    unrelated_served: 7,
    another_leaf_served: 3,
    root_served: 4,
    wrong_intermediate: 1.5,
    unconnected_leaf: 0.5,
}
INSTALLED: dict[Arrangement, float] = {
    install_issuer: 8,
    install_any_ca: 8,
    install_leaf: 5,
    install_namesake: 4,
    install_stranger: 1,
    install_several: 7,
    install_nothing: 0.5,
    install_root_and_issuer: 6,
    install_older_root: 6,
}
