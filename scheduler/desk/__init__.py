"""The desk: puts the rooms together, and holds the flows that cross them."""
