"""fusegrad against its peers: `python -m benchmarks --help`. See README.md."""
