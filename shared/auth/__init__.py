"""Who is asking, and may they. Rule: authorization is pure. Start at authenticate.py."""
