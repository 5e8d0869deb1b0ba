"""Measurements of the gateway: each module prints one; `./tollgate bench NAME` runs it.

Numbers depend on the machine, so what is compared stands beside it in the same run.
"""
