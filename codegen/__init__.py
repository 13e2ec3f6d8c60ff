"""From a finished graph to machine code: loop nests, LLVM IR, SIMD maths, BLAS, the native entry."""
