"""OpenAI's Responses API: spoken as it is where a vendor does, else by way of chat completions.

Rule: pure, like all of providers. Start at bridge.py.
"""
