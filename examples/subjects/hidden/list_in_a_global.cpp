// A right pool whose list of free slots is a global that it does not name: the explorer must see that, and refuse it.
#include <cstddef>

#include <slabproof/subject.hpp>

class ListInAGlobal {
  static constexpr int slots = 4;

 public:
  static constexpr slabproof::Abilities abilities{
      .instances = 1, .accepts = {.most = 32, .max_align = 8}, .capacity = slots};

  ListInAGlobal() {
    for (free_count_ = 0; free_count_ < slots; ++free_count_) free_[free_count_] = slots_[free_count_];
  }
  void* alloc() { return free_count_ > 0 ? free_[--free_count_] : nullptr; }
  void free(void* object) { free_[free_count_++] = object; }

 private:
  alignas(8) std::byte slots_[slots][32];
  static inline void* free_[slots];
  static inline int free_count_;
};
SLABPROOF_SUBJECT(ListInAGlobal);
