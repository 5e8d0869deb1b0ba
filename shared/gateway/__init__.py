"""The story of a request: authenticate → authorize → hold → choose → attempt → settle.

Start at serve.py.
"""
