// What a Backend leaves behind and takes, as the system itself tells: /proc/self/maps, /proc/self/fd, /proc/self/statm.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory_resource>
#include <new>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/hosted/memory_resource.hpp>
#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/hosted_memory.hpp"

namespace {

using slab::DynamicCache;
using slab::Geometry;
using slab::ObjectSizeType;
using slab::Row;
using slab::hosted::Backend;
using slab::hosted::RegionError;

/// The kernel counts resident pages for each processor, and adds up late.
constexpr std::size_t slack = 2 * mebibyte;
/// What AddressSanitizer keeps of memory that was given back: what it knew about each eight bytes.
constexpr std::size_t shadow_of([[maybe_unused]] std::size_t size) {
#if defined(SLAB_ASAN)
  return size / 8;
#else
  return 0;
#endif
}

/// Reads a file of /proc without a call of malloc, whose mappings would be among those that it tells of.
std::size_t read_whole(const char* path, char* text, std::size_t size) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  std::size_t length = 0;
  for (ssize_t got = 1; got > 0 && length < size; length += static_cast<std::size_t>(std::max<ssize_t>(got, 0)))
    got = read(file, text + length, size - length);
  close(file);
  if (length == 0 || length == size) {
    std::fprintf(stderr, "%s has no text, or more than %zu bytes\n", path, size);
    std::abort();
  }
  return length;
}

/// The first two numbers of statm.
struct Pages {
  std::size_t mapped = 0, resident = 0;
};
Pages pages_in_use() {
  char text[256];
  const char* const end = text + read_whole("/proc/self/statm", text, sizeof text);
  Pages pages;
  const char* const next = std::from_chars(text, end, pages.mapped).ptr;
  std::from_chars(next + 1, end, pages.resident);
  return pages;
}
std::size_t resident() { return pages_in_use().resident * page; }

std::size_t open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  std::size_t count = 0;
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

/// The mappings of this process at one moment. Made before, so that look() takes no memory.
class Mappings {
 public:
  void look() { length_ = read_whole("/proc/self/maps", text_.data(), text_.size()); }

  /// "begin-end permissions" of each stretch, without malloc's heap and the stack, which grow. Where two that touch
  /// may do the same, they are one: the kernel joins and splits them as it likes.
  [[nodiscard]] std::vector<std::string> stretches() const {
    std::vector<std::string> all;
    std::istringstream lines{text_.substr(0, length_)};
    std::string begin, end, permissions, last_end, last_permissions;
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with("[heap]") || line.ends_with("[stack]")) continue;
      std::istringstream words{line};
      std::getline(words, begin, '-');
      words >> end >> permissions;
      if (begin == last_end && permissions == last_permissions)
        all.back().replace(all.back().find('-') + 1, last_end.size(), end);
      else
        all.push_back(begin + "-" + end + " " + permissions);
      last_end = end;
      last_permissions = permissions;
    }
    return all;
  }

 private:
  std::string text_ = std::string(4 * mebibyte, '\0');
  std::size_t length_ = 0;
};

/// What is in one of the two alone; empty when they are the same.
std::string difference(const Mappings& before, const Mappings& after) {
  const std::vector<std::string> had = before.stretches(), has = after.stretches();
  std::string told;
  for (const std::string& stretch : has)
    if (std::find(had.begin(), had.end(), stretch) == had.end()) told += "only afterwards: " + stretch + "\n";
  for (const std::string& stretch : had)
    if (std::find(has.begin(), has.end(), stretch) == has.end()) told += "only before: " + stretch + "\n";
  return told;
}

constexpr Geometry single = Geometry::make(page, page, ObjectSizeType::Small, 200, 8).value();
constexpr Geometry multi = Geometry::make(8 * page, page, ObjectSizeType::Small, 3000, 8).value();
constexpr Geometry large = Geometry::make(16 * page, page, ObjectSizeType::Large, 5000, 8).value();

/// Objects may be live at the end; nothing else may be wrong.
struct LeavesLive : slab::Checked {
  static inline std::size_t others = 0;
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    others += report.kind != slab::Misuse::LiveAtDestruction;
  }
};

/// Serves all, and frees some. What it gets it writes to, in every page.
class Program {
  enum class From : std::uint8_t { Slabs, Single, Multi, Large, Resource, Sizes };
  static constexpr std::size_t sources = 6;
  struct Block {
    void* begin;
    std::size_t size;
    From from;
  };

 public:
  /// Room for the blocks of a program, so that it takes no memory while it runs.
  using Blocks = std::vector<Block>;

  Program(std::uint64_t seed, Blocks& blocks) : random_{seed}, blocks_{blocks} { blocks_.clear(); }

  /// All of it, the end excepted.
  void run() {
    for (std::size_t phases = 1 + pick(random_, 3); phases > 0; --phases) {
      for (std::size_t step = pick(random_, 400); step > 0; --step) {
        if (const std::size_t choice = pick(random_, 100); choice == 0)
          trim();
        else if (choice < 40)
          free_one();
        else
          static_cast<void>(take(static_cast<From>(pick(random_, sources))));
      }
      if (pick(random_, 2) == 0) fill();
      most_ = std::max(most_, live_bytes());
      if (pick(random_, 2) == 0)
        while (!blocks_.empty()) free_one();
    }
  }
  /// Bytes of slabs that were handed out at the end of a phase, at most.
  [[nodiscard]] std::size_t most_live() const { return most_; }
  [[nodiscard]] bool is_sound() const { return backend_.audit() && LeavesLive::others == 0; }

 private:
  /// Whether there was room.
  bool take(From from) {
    std::size_t size = 0;
    void* begin = nullptr;
    switch (from) {
      case From::Slabs: begin = backend_.alloc_slab(size = page << pick(random_, 9), page); break;
      case From::Single: begin = single_.alloc(), size = single.object_size(); break;
      case From::Multi: begin = multi_.alloc(), size = multi.object_size(); break;
      case From::Large: begin = large_.alloc(), size = large.object_size(); break;
      case From::Resource: begin = from_resource(size = 1 + pick(random_, 4096)); break;
      case From::Sizes: begin = sizes_.alloc(size = 1 + pick(random_, 20'000)); break;
    }
    if (!begin) return false;
    std::memset(begin, 0xA5, size);
    blocks_.push_back({begin, size, from});
    return true;
  }
  void* from_resource(std::size_t size) {
    if (is_resource_full_) return nullptr;  // what is thrown takes memory of malloc
    try {
      return resource_.allocate(size);
    } catch (const std::bad_alloc&) {
      is_resource_full_ = true;
      return nullptr;
    }
  }
  void free_one() {
    if (blocks_.empty()) return;
    std::swap(blocks_[pick(random_, blocks_.size())], blocks_.back());
    const Block block = blocks_.back();
    blocks_.pop_back();
    switch (block.from) {
      case From::Slabs: return backend_.free_slab(block.begin, block.size, page);
      case From::Single: return single_.free(block.begin);
      case From::Multi: return multi_.free(block.begin);
      case From::Large: return large_.free(block.begin);
      case From::Resource: return resource_.deallocate(block.begin, block.size);
      case From::Sizes: return sizes_.free(block.begin, block.size);
    }
  }
  /// Until no source has room: large slabs first, so that it does not take long.
  void fill() {
    for (std::size_t size = 256 * page; size >= page; size /= 2)
      while (void* const slab = backend_.alloc_slab(size, page)) {
        std::memset(slab, 0x5A, size);
        blocks_.push_back({slab, size, From::Slabs});
      }
    for (std::size_t from = 0; from < sources; ++from)
      while (take(static_cast<From>(from))) {}
  }
  void trim() {
    single_.shrink();
    multi_.shrink();
    large_.shrink();
    resource_.shrink();
    sizes_.shrink();
    static_cast<void>(backend_.trim());
  }
  [[nodiscard]] std::size_t live_bytes() const { return backend_.size() - backend_.free_bytes(); }

  std::mt19937_64 random_;
  Blocks& blocks_;
  std::size_t most_ = 0;
  bool is_resource_full_ = false;
  Backend backend_{pick(random_, 16) == 0 ? pick(random_, 4 * page) : pick(random_, 32 * mebibyte)};
  DynamicCache<Row::SmallSinglePage, Backend, LeavesLive> single_{single, backend_};
  DynamicCache<Row::SmallMultiPage, Backend, LeavesLive> multi_{multi, backend_};
  DynamicCache<Row::Large, Backend, LeavesLive> large_{large, backend_};
  slab::hosted::MemoryResource<Backend, LeavesLive> resource_{backend_, std::pmr::null_memory_resource()};
  slab::SizeClasses<Backend, slab::KernelSizes, LeavesLive> sizes_{backend_};
};

TEST(HostedFromOutside, EachProgramGivesItsMappingsDescriptorsAndMemoryBack) {
  Program::Blocks blocks;
  blocks.reserve(1 << 19);
  Mappings before, after;
  std::size_t largest = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::size_t descriptors = open_descriptors();
    before.look();
    const std::size_t resident_before = resident();
    std::size_t used, resident_within;
    bool is_sound;
    {
      Program program{seed, blocks};
      program.run();
      used = program.most_live();
      is_sound = program.is_sound();
      resident_within = resident();
    }
    const std::size_t resident_after = resident();
    after.look();
    ASSERT_TRUE(is_sound) << "seed " << seed;
    largest = std::max(largest, resident_within - std::min(resident_within, resident_before));
    if (seed == 0) continue;  // the first one binds functions and writes to pages of its own for good
    ASSERT_EQ(difference(before, after), "") << "seed " << seed;
    ASSERT_EQ(open_descriptors(), descriptors) << "seed " << seed;
    ASSERT_LE(resident_after, resident_before + shadow_of(used) + slack)
        << "seed " << seed << ": " << used << " were in use";
  }
  EXPECT_GT(largest, 20 * mebibyte) << "the programs take so little that it would not be seen if they kept it";
}

TEST(HostedFromOutside, TrimTakesWhatItSaysFromTheResidentMemory) {
  Backend backend{128 * mebibyte};
  std::vector<std::pair<void*, std::size_t>> slabs;
  const auto take_all = [&] {
    for (std::size_t size = page; size <= 32 * mebibyte; size *= 2) {
      slabs.emplace_back(backend.alloc_slab(size, page), size);
      ASSERT_NE(slabs.back().first, nullptr);
      std::memset(slabs.back().first, 0xA5, size);
    }
  };
  const std::size_t at_first = resident();
  take_all();
  const std::size_t taken = 64 * mebibyte - page;
  EXPECT_GE(resident(), at_first + taken - slack);
  EXPECT_LE(resident(), at_first + taken + shadow_of(taken) + slack);
  for (const bool are_few : {true, false}) {
    for (std::size_t i = slabs.size(); i-- > 0;)
      if (!are_few || i % 2 == 0) {
        backend.free_slab(slabs[i].first, slabs[i].second, page);
        slabs.erase(slabs.begin() + static_cast<std::ptrdiff_t>(i));
      }
    const std::size_t before = resident();
    const std::size_t kept = backend.kept_bytes(), trimmed = backend.trim(), after = resident();
    EXPECT_EQ(trimmed, kept);
    EXPECT_GT(trimmed, 16 * mebibyte);
    EXPECT_NEAR(static_cast<double>(before - after), static_cast<double>(trimmed), slack) << are_few;
  }
  EXPECT_LE(resident(), at_first + shadow_of(taken) + slack);
}

TEST(HostedFromOutside, AReservationOfATebibyteTakesNoMemory) {
  const std::size_t at_first = resident();
  Backend backend{std::size_t{1} << 40};
  ASSERT_EQ(backend.error(), RegionError::None);
  EXPECT_GE(pages_in_use().mapped * page, std::size_t{1} << 40);
  EXPECT_LE(resident(), at_first + slack);
  DynamicCache<Row::Large, Backend, LeavesLive> cache{large, backend};
  for (int i = 0; i < 100; ++i) std::memset(cache.alloc(), 0xA5, large.object_size());
  EXPECT_LE(resident(), at_first + slack);
  EXPECT_TRUE(backend.audit());
}

/// In a child process, with `room` more bytes of address space than it has: what is mapped is as before. Ends it with 0
/// if the Backend could be made, with 1 if not, and with 2 and a word if something stays.
[[noreturn]] void make_within(std::size_t room, std::size_t size) {
  Mappings before, after;
  before.look();
  rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  rlimit tight = limit;
  tight.rlim_cur = pages_in_use().mapped * page + room;
  setrlimit(RLIMIT_AS, &tight);
  bool is_made, is_named;
  {
    const Backend backend{size};
    is_made = backend.error() == RegionError::None;
    is_named = is_made || backend.error() == RegionError::NotMapped;
  }
  const std::size_t mapped = pages_in_use().mapped * page + room;
  after.look();
  setrlimit(RLIMIT_AS, &limit);
  const std::string left = difference(before, after);
  if (left != "" || !is_named || mapped != tight.rlim_cur) {
    std::fprintf(stderr, "%zu bytes of %zu: %s\n", room, size, left.c_str());
    std::_Exit(2);
  }
  std::_Exit(is_made ? 0 : 1);
}

TEST(HostedFromOutsideDeathTest, AFailingMmapLeavesNothingBehind) {
  // The slabs, what the region knows of its pages and the map are asked for one after the other: a page each.
  for (std::size_t pages = 0; pages < 5; ++pages)
    EXPECT_EXIT(make_within(pages * page, page), testing::ExitedWithCode(pages < 3 ? 1 : 0), "") << pages;
  // 32 MiB at a multiple of that: a page less than twice as much.
  for (const std::size_t room : {std::size_t{0}, 32 * mebibyte, 64 * mebibyte - 2 * page, 64 * mebibyte - page})
    EXPECT_EXIT(make_within(room, 32 * mebibyte), testing::ExitedWithCode(room < 64 * mebibyte - page ? 1 : 0), "")
        << room;
}

}  // namespace
