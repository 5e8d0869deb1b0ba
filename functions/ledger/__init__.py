"""EventBridge: drain the ledger, sweep dead holds, repair policies.

Rule: safe to run twice, late, or killed. Start at handler.py.
"""
