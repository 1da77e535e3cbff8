"""A Matplotlib figure that notebooks show without pyplot."""

import io

from matplotlib.figure import Figure


class InlineFigure(Figure):
    """A figure that a notebook shows as the value of a cell; `savefig` writes it to a file."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=100)
        return content.getvalue()
