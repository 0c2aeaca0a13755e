#pragma once

#include <cstddef>
#include <cstdint>

namespace kernel {

/// The files of an archive of tar, in their order: each has a block of 512 bytes in front, with its name at 0, its size
/// in octal digits at 124 and its type at 156, and fills whole blocks.
class Archive {
 public:
  struct File {
    const char* name;
    const unsigned char* data;
    std::size_t size;
  };

  Archive(const unsigned char* begin, std::size_t size) noexcept : next_{begin}, end_{begin + size} {}

  /// False at the end.
  [[nodiscard]] bool next(File& file) noexcept {
    while (end_ - next_ >= block && *next_ != 0) {
      const unsigned char* const header = next_;
      std::size_t size = 0;
      for (std::size_t i = 124; header[i] >= '0' && header[i] <= '7'; ++i)
        size = 8 * size + (header[i] - std::size_t{'0'});
      file = {reinterpret_cast<const char*>(header), header + block, size};
      const auto room = static_cast<std::size_t>(end_ - next_ - block);
      if (size > room) return false;
      next_ += block + (size + block - 1) / block * block;
      if (header[156] == '0' || header[156] == 0) return true;  // a file
    }
    return false;
  }

 private:
  static constexpr std::ptrdiff_t block = 512;
  const unsigned char* next_;
  const unsigned char* end_;
};

}  // namespace kernel
