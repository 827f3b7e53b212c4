"""Channels: what a piece is, what a message is, and how it reaches the world.

The lowest floor of the house: it knows nothing of files, schedules or databases.
"""
