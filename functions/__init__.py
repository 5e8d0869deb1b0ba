"""The front doors: what AWS Lambda calls. Handlers of a few lines; the work is in shared/."""
