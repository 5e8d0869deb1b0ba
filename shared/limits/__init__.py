"""Is there room: which limits and budgets apply, and the hold.

Rule: one round trip each way. Start at plan.py.
"""
