"""How an ASGI app lives on Lambda, buffered and streaming.

Rule: no event can raise out of it. Start at buffered.py.
"""
