"""The functions' own fixtures: what runs from the bundle is what runs from the repository."""

from tests.functions.conftest import environment, stores

__all__ = ["environment", "stores"]
