"""The management routes (/key, /user, /team, /spend …).

Rule: parse, hand to shared.admin, render. Start at app.py.
"""
