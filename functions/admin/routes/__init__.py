"""One router per subject: each route parses, calls its use case, renders."""
