#pragma once

// What the pages' caches of tasks are made with: the smallest backend that compiles.
struct Task {
  std::uint64_t registers[20];
};
struct Frames {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
};
constinit Frames frames;
