"""A provider of OpenAI's API that needs no key. Start at app.py."""
