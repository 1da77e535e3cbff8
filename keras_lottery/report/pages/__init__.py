"""The page of each study that is not the search for tickets, by the study's name.

A page is made from the run folder alone: from its tables and its config.json.
"""

from collections.abc import Callable
from pathlib import Path

from keras_lottery.registry import Registry
from keras_lottery.report.content import Content

pages: Registry[Callable[[Path], Content]] = Registry("page of a study")

pages.register_lazily("instability", f"{__name__}.instability:content")
pages.register_lazily("supermasks", f"{__name__}.supermasks:content")
pages.register_lazily("transfer", f"{__name__}.transfer:content")
pages.register_lazily("strong_tickets", f"{__name__}.strong_tickets:content")
pages.register_lazily("equilibrium", f"{__name__}.equilibrium:content")
