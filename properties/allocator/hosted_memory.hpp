#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <random>
#include <vector>

#include <gtest/gtest.h>

// For the tests of slab::hosted.

constexpr std::size_t page = 4096, mebibyte = 1 << 20;

inline std::size_t pick(std::mt19937_64& random, std::size_t count) { return random() % count; }

/// Bytes of memory in use in [begin, begin + size).
inline std::size_t resident_bytes(const void* begin, std::size_t size) {
  std::vector<unsigned char> pages(size / page);
  EXPECT_EQ(mincore(const_cast<void*>(begin), size, pages.data()), 0);
  std::size_t bytes = 0;
  for (const unsigned char at : pages) bytes += (at & 1U) * page;
  return bytes;
}
