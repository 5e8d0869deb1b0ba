"""The one outgoing HTTP client, for providers and for Redis.

Rule: no wait without a timeout. Start at client.py.
"""
