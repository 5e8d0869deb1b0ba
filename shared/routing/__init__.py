"""Where could this go: groups, strategies, cooldowns, fallbacks.

Rule: pure. Start at candidates.py.
"""
