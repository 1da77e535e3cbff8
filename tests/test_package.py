"""The names of the package."""

import keras_lottery as kl


def test_dir_lists_only_public_names():
    assert dir(kl) == sorted(kl.__all__)
    assert all(getattr(kl, name) is not None for name in dir(kl))
    assert {"mask", "prune", "fit", "callbacks", "TicketSearch"} <= set(dir(kl))
