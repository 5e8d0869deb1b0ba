"""How to ask: one small dialect per wire format.

Rule: no I/O, and dialects do not know one another. Start at dialect.py.
"""
