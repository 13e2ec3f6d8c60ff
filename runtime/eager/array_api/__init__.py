"""The Python array API standard, and the protocols by which other libraries take a tensor."""
