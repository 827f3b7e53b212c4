"""The website: a folder of plain pages."""

from channels.registry import Adapter
from channels.website.channel import Website, WebsiteOptions

ADAPTER = Adapter(options=WebsiteOptions, open=Website, pages=True)
