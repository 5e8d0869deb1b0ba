"""Google's generateContent as an entrance to models that speak a chat. Start at bridge.py."""
