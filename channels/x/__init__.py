"""X (formerly Twitter): posts with weighted length, threads and live events, into a sandbox or through X's API."""

from __future__ import annotations

from channels.registry import Adapter
from channels.x.opening import open_account, open_channel
from channels.x.options import SECRETS, XOptions

ADAPTER = Adapter(options=XOptions, open=open_channel, secrets=SECRETS, account=open_account)
