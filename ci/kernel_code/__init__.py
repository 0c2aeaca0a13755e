"""What ci/freestanding is made of: the allocator as a kernel's compilers see it."""
