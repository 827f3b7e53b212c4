"""The desk's own pages, for whoever sits at the machine: how it goes, health and figures."""
