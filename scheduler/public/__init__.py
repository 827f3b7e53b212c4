"""What the world may call: the site."""
