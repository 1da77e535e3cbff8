"""Compaction: removing dead units from a network without changing its outputs."""

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.compact import compact, dependency_graph
from keras_lottery.compaction.graph import Graph, Group
from keras_lottery.compaction.report import CompactionReport, LayerSize, compaction_report

__all__ = [
    "Call",
    "CompactionReport",
    "Graph",
    "Group",
    "LayerSize",
    "compact",
    "compaction_report",
    "dependency_graph",
    "register_compaction_rule",
]
