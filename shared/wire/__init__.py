"""The JSON callers see: parsing, error bodies, headers.

Rule: bad input never gets past here. Start at bodies.py.
"""
