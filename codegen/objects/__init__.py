"""Object code: made by LLVM, kept on disk, linked into this process."""
