"""What runs on a schedule: drain, sweep, reset, republish, partitions.

Rule: idempotent. Start at drain.py.
"""
