"""Cohere's chat, version 2. Start at dialect.py."""
