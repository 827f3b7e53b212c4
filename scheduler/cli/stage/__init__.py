"""The hall on a terminal: a screen for whoever tweets live. Only `telling` and `pulse` load without Textual."""
