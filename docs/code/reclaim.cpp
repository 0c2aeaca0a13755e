// docs/size-classes.md: a page allocator that asks for memory back.
#include "docs/code/heap.hpp"

void* take_pages(std::size_t) { return nullptr; }

#include "docs/page.hpp"
