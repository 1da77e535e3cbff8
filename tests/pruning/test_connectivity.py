"""Units on a path from the inputs to the outputs, in networks small enough to draw."""

import numpy as np

from keras_lottery.pruning import connected
from keras_lottery.types import VariableInfo

INFOS = [
    VariableInfo("b", (3, 2), chain=1),
    VariableInfo("a", (4, 3), chain=0),
    VariableInfo("bias", (3,), kind="bias"),
]


def masks(first, second):
    """Masks of 4 inputs, 3 units and 2 outputs with the given edges."""
    found = {"a": np.zeros((4, 3), bool), "b": np.zeros((3, 2), bool), "bias": np.ones(3, bool)}
    for path, edges in (("a", first), ("b", second)):
        for edge in edges:
            found[path][edge] = True
    return found


def test_only_units_with_both_ends_count():
    # Unit 0 has no output, unit 1 no input, unit 2 reads inputs 2 and 3 and feeds output 1.
    edges = masks([(0, 0), (1, 0), (2, 2), (3, 2)], [(1, 0), (2, 1)])
    assert connected(edges, INFOS) == {"a": (2, 1), "b": (1, 1)}


def test_a_cut_network_has_no_paths_and_a_whole_one_has_all():
    assert connected(masks([(0, 0)], [(1, 0)]), INFOS) == {"a": (0, 0), "b": (0, 0)}
    assert connected({}, INFOS) == {"a": (4, 3), "b": (3, 2)}
    assert connected({"a": np.eye(4, 3, dtype=bool)}, INFOS) == {"a": (3, 3), "b": (3, 2)}


def test_other_networks_have_none():
    assert connected(masks([], []), [VariableInfo("a", (4, 3))]) == {}
