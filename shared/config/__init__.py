"""config.yaml, compiled to JSON, as one frozen Config.

Rule: valid as a whole or refused as a whole. Start at model.py.
"""
