"""Delivery: what is due goes out, once, and whatever stands in the way is told.

Knows nothing of files: pieces come from a `Shelf` that the desk hands in.
"""
