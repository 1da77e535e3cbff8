"""One sentence per arm, for `keras-lottery list arms` and for reports."""

_AT_INIT = {
    "init_snip": "SNIP",
    "init_grasp": "GraSP",
    "init_synflow": "SynFlow",
    "init_magnitude": "magnitude",
    "init_random": "random scores",
}
_OTHER_CRITERIA = {
    "magnitude_increase": "how much a weight's magnitude grew",
    "movement": "how far a weight moved",
    "large_init_large_final": "both initial and final magnitude",
    "large_final_same_sign": "final magnitude, keeping weights whose sign did not change",
    "large_final_diff_sign": "final magnitude, keeping weights whose sign changed",
    "large_init": "initial magnitude",
    "small_final": "small final magnitude",
    "small_init": "small initial magnitude",
    "small_init_small_final": "small initial and final magnitude",
    "random": "random scores",
}
_OTHER_VALUES = {
    "random_reinit": "the layer's initial values in random order",
    "random_reshuffle": "the kept initial values in random order",
    "random_constant": "a constant with random signs",
    "signed_reinit": "the layer's initial values in random order, with the original signs",
    "signed_reshuffle": "the kept initial values in random order, with the original signs",
    "signed_constant": "a constant with the original signs",
}
_FROZEN = {
    "freeze_init": "at their initial values",
    "freeze_init_zero_mask": "at 0 if training moved them towards 0, else at their initial values",
    "freeze_init_zero_all": "as in freeze_init_zero_mask; kept weights that shrank start at 0, too",
    "freeze_init_zero_reshuffle": "as in freeze_init_zero_mask, with the zeros chosen at random",
    "freeze_init_zero_rev": "at 0 if training moved them away from 0, else at their initial values",
}
_MATCHED = {
    "matched_curvature": "those of the largest curvature",
    "matched_magnitude": "those of the largest magnitude",
    "matched_snip": "those of the highest SNIP scores",
    "matched_random": "chosen at random",
}

DESCRIPTIONS = {
    "dense": "The unpruned network, which all others are compared with.",
    "winning": "The winning ticket: pruned from the last round's trained weights, then rewound.",
    "winning_init": "Pruned iteratively, always reset to the weights at initialization.",
    "one_shot": "Pruned once from the trained dense network, then rewound.",
    "learning_rate_rewind": "Pruned iteratively; keeps its weights and rewinds the learning rate.",
    "fine_tune": "Pruned iteratively; continues training at the last learning rate.",
    "reinit": "Control: the ticket's mask with re-initialized weights.",
    "init_permuted": "Control: the ticket's mask, its start values shuffled.",
    "layers_shuffled": "Control: the ticket's mask, equal-shaped weight matrices swapped.",
    "permuted_layer": "Control: the mask shuffled within each layer, with re-initialized weights.",
    "permuted_global": "Control: the mask shuffled over all layers, with re-initialized weights.",
    "permuted_word": "Control: the mask shuffled within each word, with re-initialized weights.",
    "permuted_input": "Control: the first layer's inputs shuffled, with re-initialized weights.",
    "random_mask": "Control: a random mask with the ticket's start weights.",
    "random_mask_layer": "Control: the mask shuffled within each layer, with its start weights.",
    "supermask": "Learns the probabilities of a mask over untrained weights.",
    "supermask_signed": "Learns a supermask over signed constants.",
    "supermask_rescaled": "Learns a supermask with dynamic weight rescaling.",
    "supermask_rescaled_signed": "Learns a supermask over signed constants, with rescaling.",
    "edge_popup": "Learns scores; each layer keeps its highest-scoring untrained weights.",
    "edge_popup_signed": "Edge-popup over signed constants.",
    "inertial_manifold": "Pruned once, at a gap in the spectrum of the curvature.",
    "rewind_rescaled": "The ticket, its start weights divided by the layer's density.",
}
for _name, _score in _AT_INIT.items():
    DESCRIPTIONS |= {
        _name: f"Pruned once before training, by {_score}.",
        f"{_name}_shuffled": f"Control: the mask of {_name}, shuffled within each layer.",
        f"{_name}_shuffled_per_input": f"Control: the mask of {_name}, shuffled within each input.",
        f"{_name}_reinit": f"Control: the mask of {_name} with re-initialized weights.",
    }
for _name, _score in _OTHER_CRITERIA.items():
    DESCRIPTIONS[_name] = f"Pruned iteratively by {_score}, then rewound."
for _name, _values in _OTHER_VALUES.items():
    DESCRIPTIONS |= {
        _name: f"The ticket's mask over {_values}.",
        f"{_name}_rescaled": f"The ticket's mask over {_values}, divided by the layer's density.",
    }
for _name, _place in _FROZEN.items():
    DESCRIPTIONS[_name] = f"Pruned like the ticket; pruned weights are frozen {_place}."
for _name, _score in _MATCHED.items():
    DESCRIPTIONS[_name] = f"Control: keeps as many weights as inertial_manifold, {_score}."
