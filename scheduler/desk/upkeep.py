"""Housekeeping: what nobody needs any more goes."""

from __future__ import annotations

from datetime import timedelta

from channels import files
from scheduler.desk.assemble import Desk
from scheduler.store import messages

_YOUNG = timedelta(days=1)


def run(desk: Desk) -> None:
    """Drop messages and captured files that no delivery names. Young files stay: a claim may be about to name them."""
    with desk.store.write() as db:
        messages.sweep(db)
    with desk.store.read() as db:
        used = messages.media(db)
    folder = desk.library.media_folder
    if not folder.is_dir():
        return
    before = (desk.clock() - _YOUNG).timestamp()
    for path in folder.iterdir():
        if path.name not in used and path.stat().st_mtime < before:
            files.remove(path)
