"""How fast DermTrail is, in ratios of things that were measured side by side: `make bench`."""
