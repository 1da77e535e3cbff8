"""Rules on imports that import-linter can't express."""

import grimp

PACKAGE = "keras_lottery"


def test_no_module_imports_the_package_around_it():
    """That would be a circle, since the package imports its modules; import-linter misses those."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    circles = [
        (module, around)
        for module in graph.modules
        for around in graph.find_modules_directly_imported_by(module)
        if module.startswith(f"{around}.") and around != PACKAGE
    ]
    assert circles == []
    assert {"keras_lottery.masking.paths", "keras_lottery.toolkit"} <= graph.modules
