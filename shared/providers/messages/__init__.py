"""Anthropic's Messages API as an entrance to models that speak a chat. Start at bridge.py."""
