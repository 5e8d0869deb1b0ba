"""The LLM routes. Rule: parse, hand to shared.gateway, render. Start at app.py."""
