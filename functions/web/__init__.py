"""Every route in one process: a Lambda web function, many requests at a time.

Rule: nothing here belongs to one request for longer than it runs. Start at main.py.
"""
