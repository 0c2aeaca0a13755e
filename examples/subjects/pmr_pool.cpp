// A pool of the standard library, std::pmr::unsynchronized_pool_resource.
#include <memory_resource>

#include <slabproof/subject.hpp>

class PmrPool {
 public:
  static constexpr slabproof::Abilities abilities{.takes_memory = true};

  PmrPool(slabproof::Objects objects, slabproof::Memory memory) : objects_{objects}, upstream_{memory} {}
  void* alloc() try { return pool_.allocate(objects_.size, objects_.align); } catch (const std::bad_alloc&) {
    return nullptr;
  }
  void free(void* object) { pool_.deallocate(object, objects_.size, objects_.align); }

 private:
  struct Upstream final : std::pmr::memory_resource {
    explicit Upstream(slabproof::Memory source) : memory{source} {}
    void* do_allocate(std::size_t size, std::size_t align) override {
      if (void* const block = memory.take(size, align)) return block;
      throw std::bad_alloc{};
    }
    void do_deallocate(void* block, std::size_t, std::size_t) override { memory.give(block); }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    slabproof::Memory memory;
  };
  slabproof::Objects objects_;
  Upstream upstream_;
  std::pmr::unsynchronized_pool_resource pool_{{.max_blocks_per_chunk = 0, .largest_required_pool_block = 1000},
                                               &upstream_};
};
SLABPROOF_SUBJECT(PmrPool);
