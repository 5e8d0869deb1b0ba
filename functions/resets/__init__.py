"""EventBridge: budgets that are due start afresh.

Rule: safe to run twice, late, or not at all. Start at handler.py.
"""
