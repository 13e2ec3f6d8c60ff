"""Trees taken apart and put together again."""

from __future__ import annotations

import pickle
import timeit
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusegrad.tracer import Treedef, flatten, register_pytree_node, unflatten
from fusegrad.tracer.pytree import map_leaves

Point = namedtuple("Point", ["x", "y"])


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any = None

    def __post_init__(self) -> None:
        assert self.weight is not object


class Pair:
    def __init__(self, first: Any, second: Any, label: str) -> None:
        self.first, self.second, self.label = first, second, label


register_pytree_node(
    Pair,
    lambda pair: ((pair.first, pair.second), pair.label),
    lambda label, children: Pair(*children, label),
)


class Named:
    def __init__(self, content: Any) -> None:
        self.content = content


register_pytree_node(
    Named,
    lambda named: ((named.content,), None, ("content",)),
    lambda _, children: Named(children[0]),
)

trees = st.recursive(
    st.none() | st.floats(allow_nan=False),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.builds(Point, inner, inner),
        st.builds(Layer, inner, inner),
    ),
)


@given(trees)
def test_there_and_back(tree: Any) -> None:
    leaves, treedef = flatten(tree)
    assert unflatten(treedef, leaves) == tree
    again, same = flatten(unflatten(treedef, leaves))
    assert same == treedef
    assert hash(same) == hash(treedef)
    assert again == leaves
    assert len(leaves) == treedef.num_leaves == len(treedef.paths())


def test_kinds() -> None:
    tree = ({"a": 1}, [2, None])
    treedef = flatten(tree)[1]
    assert treedef.kind == "tuple"
    first, second = treedef.children
    assert (first.kind, first.keys) == ("dict", ("a",))
    assert (second.kind, second.keys) == ("list", None)
    assert [child.kind for child in second.children] == ["leaf", "none"]
    assert flatten(Layer(1))[1].kind == flatten(Point(1, 2))[1].kind == "custom"


def test_dicts_do_not_depend_on_insertion() -> None:
    one, other = {"b": 1, "a": 2}, {"a": 2, "b": 1}
    assert flatten(one) == flatten(other)
    mixed, turned = {"b": 1, 3: 2, ("t",): 3}, {("t",): 3, 3: 2, "b": 1}
    assert flatten(mixed) == flatten(turned)
    assert flatten(OrderedDict(one))[1] != flatten(OrderedDict(other))[1]


def test_structures_differ() -> None:
    defs = [flatten(tree)[1] for tree in ([1], (1,), {"a": 1}, Point(1, 2), (1, 2), None, 1, [])]
    assert len(set(defs)) == len(defs)
    assert flatten(Pair(1, 2, "a"))[1] != flatten(Pair(1, 2, "b"))[1]
    assert flatten([1])[1] != "[*]"


def test_other_containers() -> None:
    ordered = OrderedDict([("b", 1), ("a", 2)])
    counts = defaultdict(list, {"x": 1})
    leaves, treedef = flatten((ordered, counts))
    assert leaves == [1, 2, 1]
    back_ordered, back_counts = unflatten(treedef, leaves)
    assert list(back_ordered.items()) == [("b", 1), ("a", 2)]
    assert back_counts == counts
    assert back_counts.default_factory is list


def test_registered_classes() -> None:
    leaves, treedef = flatten({"p": Pair(1, [2], "label"), "n": Named(3)})
    assert leaves == [3, 1, 2]
    back = unflatten(treedef, [30, 10, 20])
    assert (back["p"].first, back["p"].second, back["p"].label) == (10, [20], "label")
    assert back["n"].content == 30
    with pytest.raises(ValueError, match="dict"):
        register_pytree_node(dict, lambda d: ((), None), lambda m, c: {})


def test_a_dataclass_is_rebuilt_without_init() -> None:
    treedef = flatten(Layer(1, 2))[1]
    assert unflatten(treedef, [object, 3]).weight is object
    assert flatten(Layer)[0] == []  # the class itself is static


def test_what_is_static_is_part_of_the_structure() -> None:
    static = ("text", b"text", len, np.sin, float, np.dtype("f4"), slice(1, None), ..., range(3))
    for x in static:
        leaves, treedef = flatten({"a": 1.0, "b": x})
        assert leaves == [1.0]
        assert treedef.statics == (x,)
        assert unflatten(treedef, [2.0]) == {"a": 2.0, "b": x}
        assert treedef != flatten({"a": 1.0, "b": "other"})[1]
        assert treedef == flatten({"a": 3.0, "b": x})[1]


def test_paths() -> None:
    tree = {"w": [1, Point(2, 3)], "l": Layer((4,)), 0: None, "n": Named(5)}
    _, treedef = flatten(tree)
    assert treedef.paths("params") == [
        "params['l'].weight[0]",
        "params['n'].content",
        "params['w'][0]",
        "params['w'][1].x",
        "params['w'][1].y",
    ]


def test_text() -> None:
    tree = ({"a": 1, "b": [2]}, None, (3,), Point(1, 2), Layer(1), OrderedDict(k=1))
    expected = "({'a': *, 'b': [*]}, None, (*,), Point(x=*, y=*), Layer(weight=*, bias=None)"
    assert str(flatten(tree)[1]) == expected + ", OrderedDict(k=*))"


def test_wrong_number_of_leaves() -> None:
    with pytest.raises(ValueError, match="2 leaves, got 3"):
        unflatten(flatten((1, 2))[1], [1, 2, 3])


def test_map_and_pickle() -> None:
    tree = {"a": 1, "b": (2, None)}
    assert map_leaves(lambda x: 2 * x, tree) == {"a": 2, "b": (4, None)}
    treedef = flatten(tree)[1]
    again: Treedef = pickle.loads(pickle.dumps(treedef))
    assert again == treedef
    assert hash(again) == hash(treedef)


def test_a_pair_is_taken_apart_quickly() -> None:
    pair = (1.0, 2.0)
    seconds = min(timeit.repeat(lambda: flatten(pair), number=2000, repeat=20)) / 2000
    assert seconds < 5e-6  # 0.6 µs on an idle machine
