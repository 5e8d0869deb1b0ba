"""Anthropic's Messages API: asked in its own words (native.py) or in OpenAI's (dialect.py)."""
