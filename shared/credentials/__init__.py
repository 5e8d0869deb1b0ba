"""What opens a vendor's door where a key is not enough: AWS's signatures, Google's tokens.

Rule: nothing here is imported before a call needs it. Start at keyring.py.
"""
