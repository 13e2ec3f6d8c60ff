"""Matrix products, systems and factorisations: loops of our own, BLAS, LAPACK."""
