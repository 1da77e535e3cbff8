"""Connected inputs and units of a run's networks: table, figure and kept rows."""

import dataclasses
from pathlib import Path

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records import LayerRow
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.connectivity import (
    ConnectedNetwork,
    connected_networks,
    connection_rows,
    connectivity_table,
)
from keras_lottery.report.content import content
from keras_lottery.report.document import Heading
from keras_lottery.report.kept import write_kept_tables
from keras_lottery.report.plots import draw_connectivity
from keras_lottery.report.results import Results, results_by_task

from .made_run import make_run


def connected_run(root: Path) -> Results:
    """Returns a run of two seeds; seed s has 6 + s inputs and 5 + s hidden units connected."""
    run = make_run(root / "made-0123abcd", range(2), 1, ["winning", "reinit"])
    results = results_by_task(run)[0]
    for row in results.rows[1:]:
        path = results.paths.layers(row.training)
        first, second, *rest = path.read_text().splitlines()[1:]
        units = 5 + row.seed
        connected = [f"{first[:-2]},{units + 1},{units}", f"{second[:-2]},{units},2", *rest]
        path.write_text("\n".join([",".join(LayerRow.columns()), *connected, ""]))
    return results


def networks_of(results: Results) -> list[ConnectedNetwork]:
    """Returns the connected networks of a run or of a kept page."""
    return connected_networks(results, connection_rows(results))


def kept_page(results: Results, folder: Path) -> Results:
    """Returns the same results, read from the tables of a kept page."""
    folder.mkdir()
    write_kept_tables([results], folder)
    return dataclasses.replace(results, paths=RunPaths(folder))


def test_a_run_without_counted_connections_has_no_section_of_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "made-0123abcd", range(1), 1, ["winning"])
    results = results_by_task(run)[0]
    assert networks_of(results) == []
    assert Heading("Connectivity") not in content([results]).blocks


def test_connectivity_is_the_mean_of_each_arm_and_level(tmp_path: Path) -> None:
    results = connected_run(tmp_path)
    assert Heading("Connectivity") in content([results]).blocks
    table = connectivity_table(results, networks_of(results))
    assert table.header == ["remaining", "arm", "inputs read", "units of dense", "accuracy [%]"]
    assert [row[:4] for row in table.rows] == [
        ["80.0 %", "winning", "6.5", "5.5"],
        ["80.0 %", "reinit", "6.5", "5.5"],
    ]


def test_a_kept_page_has_the_connections_of_its_run(tmp_path: Path) -> None:
    results = connected_run(tmp_path)
    again = kept_page(results, tmp_path / "kept")
    assert networks_of(again) == networks_of(results)
    with pytest.raises(LotteryError, match="`reinit` of seed 0, round 1"):
        networks_of(dataclasses.replace(again, rows=[]))


def test_every_network_is_a_point_at_its_connections(tmp_path: Path) -> None:
    results = connected_run(tmp_path)
    networks = networks_of(results)
    inputs, units = draw_connectivity(results, networks).figure.axes
    values = [100 * network.value for network in networks if network.arm == "winning"]
    (line,) = (line for line in units.lines if line.get_label() == "winning")
    assert list(line.get_xdata()) == [5, 6]
    assert list(line.get_ydata()) == values
    assert len(inputs.lines) == 2  # an arm each


def test_layers_whose_names_are_not_in_their_order_are_left_out(tmp_path: Path) -> None:
    results = connected_run(tmp_path)
    for row in results.rows[1:]:
        path = results.paths.layers(row.training)
        text = path.read_text().replace("layers/dense/", "layers/z/")
        path.write_text(text)
    assert networks_of(results) == []
