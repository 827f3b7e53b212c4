"""How far posts reached, as X tells it."""

from __future__ import annotations

METRICS = (
    "impressions",
    "likes",
    "reposts",
    "replies",
    "quotes",
    "bookmarks",
    "link_clicks",
    "profile_clicks",
)
"""The figures there may be. The last two are told for one's own posts of the last 30 days only."""
