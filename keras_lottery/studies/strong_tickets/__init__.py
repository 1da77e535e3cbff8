"""Strong lottery tickets of a given sparsity: a random network that is only pruned."""
