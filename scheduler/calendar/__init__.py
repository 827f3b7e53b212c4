"""From `content/` to pieces: front matter, wall time, live sections, and what is wrong with any of them."""
