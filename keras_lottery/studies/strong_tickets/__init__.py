"""Strong lottery tickets of a given sparsity: random networks that are pruned but not trained."""
