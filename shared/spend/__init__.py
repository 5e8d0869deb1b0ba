"""What did it cost: prices, cost, the ledger row.

Rule: integers of nanodollars, one rounding. Start at cost.py.
"""
