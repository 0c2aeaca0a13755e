#pragma once

#include <concepts>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <type_traits>

#include "model/include/slabproof/subject.hpp"

namespace slabproof {

/// Any std::pmr::memory_resource as a heap: on an upstream that fails at times where its constructor takes one, else
/// with memory of its own.
template <class Resource>
class ResourceSubject {
  static constexpr bool has_upstream = std::constructible_from<Resource, std::pmr::memory_resource*>;
  static_assert(std::derived_from<Resource, std::pmr::memory_resource>,
                "slabproof: it is no class derived from std::pmr::memory_resource");
  static_assert(
      has_upstream || std::default_initializable<Resource>,
      "slabproof: its constructor takes a std::pmr::memory_resource*, or nothing; write an adapter for another "
      "(docs/subjects.md)");

 public:
  static constexpr Abilities abilities{.sizes = true, .sized_free = true, .takes_memory = has_upstream};

  explicit ResourceSubject(Memory memory)
    requires has_upstream
      : upstream_{memory}, resource_{&upstream_} {}
  ResourceSubject()
    requires(!has_upstream)
  = default;

  void* allocate(std::size_t size, std::size_t align) {
    try {
      return resource_.allocate(size, align);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  void free(void* object, std::size_t size, std::size_t align) { resource_.deallocate(object, size, align); }

 private:
  struct Upstream final : std::pmr::memory_resource {
    explicit Upstream(Memory source) : memory{source} {}
    void* do_allocate(std::size_t size, std::size_t align) override {
      if (void* const block = memory.take(size, align)) return block;
      throw std::bad_alloc{};
    }
    void do_deallocate(void* block, std::size_t, std::size_t) override { memory.give(block); }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    Memory memory;
  };
  struct NoUpstream {};
  [[no_unique_address]] std::conditional_t<has_upstream, Upstream, NoUpstream> upstream_;
  Resource resource_;
};

}  // namespace slabproof

/// Makes a class derived from std::pmr::memory_resource what this program judges. Once a program, outside of
/// namespaces.
#define SLABPROOF_RESOURCE(...) SLABPROOF_SUBJECT(slabproof::ResourceSubject<__VA_ARGS__>)
