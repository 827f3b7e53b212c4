"""The feeds: RSS 2.0, Atom and JSON Feed, for each language and tag."""

from channels.registry import Adapter
from channels.rss.channel import Rss, RssOptions

ADAPTER = Adapter(options=RssOptions, open=Rss)
