"""The gateway itself, one room per concern; pyproject.toml says which room may import which."""
