"""The use cases behind the management routes.

Rule: every change of a policy goes through change.py. Start there.
"""
