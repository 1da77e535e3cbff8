"""Links between files of the repository become links in the site."""

import pytest

from website import links


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("toolkit.md", "../examples/README.md", "examples/index.md"),
        ("extend/data.md", "../../CONTRIBUTING.md#to-add", "../contributing.md#to-add"),
        ("results/x/page.md", "../../../benchmarks/results.md", "../../benchmarks.md"),
        ("translation.md", "../examples/find_a_ticket.py", "examples/find_a_ticket.md"),
        ("faq.md", "tutorials/prune_and_ship.ipynb", "tutorials/prune_and_ship.md"),
        ("contributing.md", "docs/export.md", "export.md"),
        ("examples/index.md", "find_a_ticket.py", "find_a_ticket.md"),
        ("faq.md", "export.md#formats", "export.md#formats"),
        ("faq.md", "https://arxiv.org/abs/1803.03635", "https://arxiv.org/abs/1803.03635"),
        ("faq.md", "#here", "#here"),
    ],
)
def test_a_link(page, link, expected):
    assert links.rewritten(f"[text]({link})", page) == f"[text]({expected})"
