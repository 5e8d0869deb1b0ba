"""The only room that speaks Postgres and Redis.

SQL lives in sql/*.sql, Lua in lua/*.lua, one typed function per statement. Start at stores.py.
"""
