"""Measurements that a person starts: `./tollgate bench NAME`. One module each; none is a test."""
