"""The Upstash REST door: Upstash's HTTP protocol in front of a local Valkey. Start at app.py.

Facts about the protocol: upstash.com/docs/redis/features/restapi, read November 2026.
"""
