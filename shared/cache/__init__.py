"""May it be answered again: which calls share an answer, what is kept, how it is given again.

Rule: pure; storage reads and writes. Start at lookup.py.
"""
