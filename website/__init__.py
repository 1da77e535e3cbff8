"""The generated part of the documentation site: reference pages, notebooks, repository files."""
