"""Google's generateContent: asked in its own words (native.py) or in OpenAI's (dialect.py)."""
