#include <slabproof/subject.hpp>

// Four objects, aligned to 32 as it promises if the pool itself happens to be.
class SlotsInside {
 public:
  static constexpr slabproof::Abilities abilities{.accepts = {.least = 32, .most = 32, .max_align = 32}, .capacity = 4};

  void* alloc() {
    for (int i = 0; i < 4; ++i)
      if (!used_[i]) return used_[i] = true, slots_[i];
    return nullptr;
  }
  void free(void* object) {
    for (int i = 0; i < 4; ++i)
      if (object == slots_[i]) used_[i] = false;
  }

 private:
  alignas(16) unsigned char slots_[4][32];
  bool used_[4] = {};
};
SLABPROOF_SUBJECT /* and what the preprocessor passes over */ (SlotsInside);
