"""The commands. Each imports what it needs when it runs: how fast it starts is what a writer feels."""
