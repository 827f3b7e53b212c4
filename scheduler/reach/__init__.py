"""Reach: how far what is out has gone. When it is asked for, what that may cost, and what is kept of the answers.

Pure: the asking itself is the desk's, the rows are the store's.
"""
