"""From a finished graph to machine code: loops, LLVM IR, SIMD maths, BLAS, the native entry."""
