"""One machine's stack: Postgres, Valkey, the Upstash REST door, schedules, the command line.

Never in the bundle. Start at cli.py.
"""
