"""The newsletter: one mail a piece or one edition a period, as MIME messages in a Maildir."""

from __future__ import annotations

from channels.newsletter.channel import open_channel
from channels.newsletter.options import NewsletterOptions
from channels.registry import Adapter

ADAPTER = Adapter(options=NewsletterOptions, open=open_channel)
