// The standard library's std::pmr::unsynchronized_pool_resource as a subject.
#include <memory_resource>

#include "examples/subjects/drive.hpp"

class PmrPool {
 public:
  static constexpr slabproof::Abilities abilities{.takes_memory = true};
  PmrPool(const slabproof::CacheSpec& spec, slabproof::RecordingBackend& memory) : spec_{spec}, upstream_{memory} {}
  void* alloc() try { return pool_.allocate(spec_.object_size, spec_.object_align); } catch (const std::bad_alloc&) {
    return nullptr;
  }
  void free(void* object) {
    if (object) pool_.deallocate(object, spec_.object_size, spec_.object_align);
  }

 private:
  struct Upstream final : std::pmr::memory_resource {
    explicit Upstream(slabproof::RecordingBackend& source) : memory{source} {}
    void* do_allocate(std::size_t size, std::size_t align) override {
      if (void* const block = memory.take_memory(size, align)) return block;
      throw std::bad_alloc{};
    }
    void do_deallocate(void* block, std::size_t, std::size_t) override { memory.give_memory(block); }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    slabproof::RecordingBackend& memory;
  };
  slabproof::CacheSpec spec_;
  Upstream upstream_;
  std::pmr::unsynchronized_pool_resource pool_{{.max_blocks_per_chunk = 0, .largest_required_pool_block = 1000},
                                               &upstream_};
};
int main(int argc, char** argv) { return drive<PmrPool>(argc, argv); }
